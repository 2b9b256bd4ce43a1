"""Toasts: short messages, shown for some seconds in the lower right corner."""

from __future__ import annotations

from typing import Final

import shiboken6
from PySide6.QtCore import QPoint, QRect, QTimer
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QApplication, QWidget

from gptdesk.ui.fonts import scaled
from gptdesk.ui.services.messages import Message
from gptdesk.ui.services.services import MessageService
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.announcing import announce
from gptdesk.ui.widgets.overlay import Overlay
from gptdesk.ui.window.messages.card import MessageCard

_SHORTEST_MS: Final = 4000
_LETTERS: Final = 60
"""Characters that are read in the shortest time."""

_LETTER_MS: Final = 60
"""Additional time for each further character."""

_TICK_MS: Final = 100
_WIDEST: Final = 420
_MOST: Final = 3
_MARGIN: Final = 16
_GAP: Final = 8


class Toast(MessageCard):
    """A toast, for some seconds or until it no longer holds.

    Its time stops while it has the pointer or the focus, and while the window is inactive.
    """

    def __init__(self, theme: Theme, message: Message, parent: QWidget) -> None:
        super().__init__(theme, message, parent)
        self._left = _SHORTEST_MS + _LETTER_MS * max(0, len(message.text) - _LETTERS)
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._on_tick)
        self._timer.start()

    @property
    def waits(self) -> bool:
        """Whether its time is stopped."""
        focus = QApplication.focusWidget()
        pointed_at = self.underMouse() and QCursor.pos() != self.pointer  # the mouse was moved there
        return pointed_at or not self.isActiveWindow() or (focus is not None and self.isAncestorOf(focus))

    def _on_tick(self) -> None:
        if not self.waits:
            self._left -= _TICK_MS
        if self._left <= 0 or not self.message.holds():
            self._timer.stop()
            self.closed.emit()


class Toasts(Overlay):
    """A column of toasts, newest at the bottom."""

    def __init__(self, theme: Theme, messages: MessageService, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.cards: list[Toast] = []
        self._free: tuple[QWidget, ...] = ()
        messages.toasted.connect(self.add)
        messages.document_left.connect(self._leave_document)

    @property
    def texts(self) -> list[str]:
        """The texts of all toasts."""
        return [card.message.text for card in self.cards]

    def leave_free(self, *widgets: QWidget) -> None:
        """Keeps toasts above widgets in the lower part of the area that they would cover, such as bars of buttons.

        Args:
            widgets: from the lowest to the highest.
        """
        for widget in filter(shiboken6.isValid, self._free):
            widget.removeEventFilter(self)
        self._free = widgets
        for widget in widgets:
            widget.installEventFilter(self)  # `place` is called when it moves or is shown
        self.place()

    def add(self, message: Message) -> None:
        """Shows a toast; replaces one with the same text."""
        for card in [card for card in self.cards if card.message.text == message.text] or self.cards[: -_MOST + 1]:
            self._remove(card)
        card = Toast(self._theme, message, self)
        card.closed.connect(lambda: self._remove(card))
        self.cards.append(card)
        card.show()
        self.show()
        self.place()
        self.raise_()
        announce(card, message.text)

    def place(self) -> None:
        if not self.cards:
            self.hide()
            return
        room = self.area.width() - 2 * _MARGIN
        widths = [min(card.width_at_best(), scaled(_WIDEST), room) for card in self.cards]
        heights = [card.height_at(width) for card, width in zip(self.cards, widths, strict=True)]
        size = max(widths), sum(heights) + _GAP * (len(heights) - 1)
        corner = self.area.mapTo(self.window(), self.area.rect().bottomRight())
        place = QRect(corner.x() + 1 - _MARGIN - size[0], corner.y() + 1 - _MARGIN - size[1], *size)
        for widget in self._free:
            free = QRect(widget.mapTo(self.window(), QPoint()), widget.size())
            if widget.isVisible() and free.intersects(place):
                place.moveBottom(free.top() - _GAP)
        self.setGeometry(place)
        y = 0
        for card, width, height in zip(self.cards, widths, heights, strict=True):
            card.setGeometry(size[0] - width, y, width, height)
            y += height + _GAP

    def _leave_document(self) -> None:
        """Removes the toasts about the former document."""
        for card in [card for card in self.cards if card.message.of_document]:
            self._remove(card)

    def _remove(self, card: Toast) -> None:
        if card in self.cards:
            self.cards.remove(card)
            self.give_focus_back(card)
            card.hide()
            card.deleteLater()
            self.place()
