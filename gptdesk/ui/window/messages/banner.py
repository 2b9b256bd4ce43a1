"""Banners of the current page: one card, and a button to show the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QWidget

from gptdesk.ui.fonts import scaled
from gptdesk.ui.services.messages import ANY_PAGE, Message
from gptdesk.ui.services.services import MessageService
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.announcing import announce
from gptdesk.ui.widgets.overlay import Overlay
from gptdesk.ui.window.messages.card import MessageCard

_WIDEST: Final = 760
_SIDE: Final = 16
_GAP: Final = 8
"""Distance from the edge of the area, in pixels."""


class Banners(Overlay):
    """Shows the banners of `Messages` that belong to the page, newest first.

    The card floats over the page, so that the layout stays: at its top if ``at_top``, else at its bottom.
    """

    def __init__(self, theme: Theme, messages: MessageService, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme, self._messages = theme, messages
        self._page = ANY_PAGE
        self._at_top = True
        self._give_way: Callable[[int], object] | None = None
        self._covered = 0  # as it was last told
        self._place = 0  # index of the shown message, from the newest
        self._next: QPushButton | None = None
        self.card: MessageCard | None = None
        messages.changed.connect(self._on_changed)
        self._on_changed()

    @property
    def texts(self) -> list[str]:
        """The texts of all banners of the page, oldest first."""
        return [message.text for message in self._shown()]

    def set_page(
        self, page: str, area: QWidget, *, at_top: bool, give_way: Callable[[int], object] | None = None
    ) -> None:
        """Shows the banners of another page, over ``area``.

        Args:
            give_way: gets the height of the area's top that the card covers, in pixels, whenever it changes.
        """
        self._tell_covered(0)
        self._page, self._at_top, self._place = page, at_top, 0
        self._give_way = give_way
        self._show_message()
        self.float_over(area)

    def place(self) -> None:
        if self.card is None:
            self._tell_covered(0)
        if self.card is None or not self.area.isVisible():
            return
        corner = self.area.mapTo(self.window(), self.area.rect().topLeft())
        width = min(self.card.width_at_best(), scaled(_WIDEST), self.area.width() - 2 * _SIDE)
        height = self.card.height_at(width)
        x = corner.x() + (self.area.width() - width) // 2
        y = corner.y() + (_GAP if self._at_top else self.area.height() - height - _GAP)
        self.setGeometry(x, y, width, height)
        self.card.setGeometry(0, 0, width, height)
        self._tell_covered(height + 2 * _GAP if self._at_top else 0)

    def _tell_covered(self, height: int) -> None:
        if height != self._covered and self._give_way is not None:
            self._covered = height
            self._give_way(height)

    def _shown(self) -> list[Message]:
        return [message for message in self._messages.banners.values() if message.page in (ANY_PAGE, self._page)]

    def _on_changed(self) -> None:
        newest = self._shown()[-1:]
        if newest and (self.card is None or newest[0].topic != self.card.message.topic):
            self._place = 0
        self._show_message()

    def _show_message(self) -> None:
        messages = self._shown()
        self._place = min(self._place, max(len(messages) - 1, 0))
        message = messages[-1 - self._place] if messages else None
        if message is None or self.card is None or not _alike(message, self.card.message):
            self._put(message)
        elif self.card is not None:
            self.card.message = message
        if self._next is not None:
            self._next.setVisible(len(messages) > 1)
            self._next.setText(f"{self._place + 1} of {len(messages)}")
        self.place()

    def _put(self, message: Message | None) -> None:
        """Replaces the card by one for the message; ``None`` removes it."""
        if self.card is not None:
            self.give_focus_back(self.card)
            self.card.hide()
            self.card.deleteLater()
            self.card = self._next = None
        if message is None:
            self.hide()
            return
        self.card = MessageCard(self._theme, message, self)
        self._next = self.card.add_button("", self._show_next, place=2 + len(message.offers))
        self._next.setProperty("kind", "flat")
        self._next.setAccessibleName("Next message")
        self._next.setLayoutDirection(Qt.LayoutDirection.RightToLeft)  # the chevron after the text
        self._theme.set_icon(self._next, "chevron-right", "muted")
        self.card.closed.connect(lambda topic=message.topic: self._messages.solve(topic))
        self.card.show()
        self.show()
        self.raise_()
        announce(self.card, message.text)

    def _show_next(self) -> None:
        self._place = (self._place + 1) % max(len(self._shown()), 1)
        self._show_message()


def _alike(one: Message, other: Message) -> bool:
    """Whether two messages look the same."""
    titles = [[title for title, _ in message.offers] for message in (one, other)]
    return (one.text, one.kind, one.topic, titles[0]) == (other.text, other.kind, other.topic, titles[1])
