"""The turns of a chat: a stretch of them as cards, which moves as the person scrolls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer, Slot
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from gptdesk.chat.turns import ChatTurn
from gptdesk.ui import number_format
from gptdesk.ui.chat.turns.turn_card import TurnCard
from gptdesk.ui.chat.turns.turn_state import TurnState
from gptdesk.ui.fonts import scaled
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.quiet_scroll_bar import make_quiet

MORE: Final = 30
"""Cards made at once: one takes some milliseconds, and a chat may have ten thousand turns."""

MOST: Final = 90
"""Cards that there are at once. Beyond them, those farthest from where the person scrolls show other turns."""

_WIDEST: Final = 760
"""Width of the column, in pixels at a font of 13 pixels: longer lines are hard to read."""


class TurnList(QScrollArea):
    """A column of cards.

    Args:
        state: returns what to show of the turn with that index.
        connect: connects the signals of a new card.

    Attributes:
        cards: those that are shown, first to last.
        earlier, later: show the turns before and behind them; reaching the edge does the same.
    """

    def __init__(
        self,
        theme: Theme,
        pixels: int,
        state: Callable[[int], TurnState],
        connect: Callable[[TurnCard], object],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme, self._pixels, self._state, self._connect = theme, pixels, state, connect
        self.cards: list[TurnCard] = []
        self._count = 0
        self._first = 0  # index of the turn of the first card
        self._follows = True  # whether the end is kept in view
        self._kept: tuple[TurnCard, int] | None = None  # a card that stays at that height of the view
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        make_quiet(self)
        self.setAccessibleName("Turns")
        inner = QWidget()
        inner.setProperty("zone", "surface")
        outer = QVBoxLayout(inner)
        outer.setContentsMargins(16, 16, 4, 16)
        self._column = QWidget()
        self._column.setMaximumWidth(scaled(_WIDEST))
        self.earlier, self.later = QPushButton(), QPushButton()
        self.earlier.clicked.connect(self.show_earlier)
        self.later.clicked.connect(self.show_later)
        self._rows = QVBoxLayout(self._column)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(8)
        for button in (self.earlier, self.later):
            button.setProperty("kind", "muted")
            self._rows.addWidget(button)
        middle = QHBoxLayout()
        middle.addStretch(1)
        middle.addWidget(self._column, 1000)  # as wide as it may be
        middle.addStretch(1)
        outer.addLayout(middle)
        outer.addStretch(1)
        self.setWidget(inner)
        bar = self.verticalScrollBar()
        bar.rangeChanged.connect(self._on_range_changed)
        bar.actionTriggered.connect(self._on_person_scrolls)
        self._edge = self._at_once(self._look_for_edge)
        self._placing = self._at_once(self._place)
        self._column.installEventFilter(self)
        self.show_turns(0)

    @property
    def _end(self) -> int:
        """Index behind the turn of the last card."""
        return self._first + len(self.cards)

    def show_turns(self, count: int) -> None:
        """Shows so many turns, in as few changes as possible: where the last one is shown, the new last one is."""
        end = count if self._end >= self._count else min(self._end, count)
        self._count = count
        if not self._follows:
            self._keep_top()
        self._show(max(min(self._first, end - MORE), end - MOST, 0), end)

    def start(self, count: int) -> None:
        """Shows another chat, at its end."""
        for card in self.cards:
            card.stop_editing()
        self._count = count
        self._show(max(count - MORE, 0), count)
        self.show_end()

    @Slot()
    def show_earlier(self) -> None:
        """Shows earlier turns; what is in view stays there."""
        first = max(self._first - MORE, 0)
        self._move(first, min(self._end, first + MOST))

    @Slot()
    def show_later(self) -> None:
        """Shows later turns; what is in view stays there."""
        end = min(self._end + MORE, self._count)
        self._move(max(self._first, end - MOST), end)

    def grow(self, turn: ChatTurn) -> None:
        """Shows more of the last turn."""
        if self.cards and self._end == self._count:
            self.cards[-1].grow(turn)

    def focus_card(self, index: int) -> bool:
        """Focuses the card of a turn; returns whether there is that turn."""
        if not 0 <= index < self._count:
            return False
        if self._first - MORE <= index < self._first:
            self.show_earlier()
        elif self._end <= index < self._end + MORE:
            self.show_later()
        elif not self._first <= index < self._end:
            self._show(max(index - MORE, 0), min(index + MORE, self._count))
        self.cards[index - self._first].setFocus()
        QTimer.singleShot(0, self, self._reveal)  # once cards that are new have been laid out
        return True

    def set_text_size(self, pixels: int) -> None:
        self._pixels = pixels
        for card in self.cards:
            card.set_text_size(pixels)

    @Slot()
    def show_end(self) -> None:
        """Scrolls to the end, and keeps it in view."""
        if self._end < self._count:
            self._show(max(self._count - MORE, 0), self._count)
        self._follows, self._kept = True, None
        self.verticalScrollBar().setValue(self.verticalScrollBar().maximum())

    def _move(self, first: int, end: int) -> None:
        """Shows the turns from ``first`` to before ``end``, and keeps what is in view where it is."""
        self._follows = False
        self._keep_top()
        self._show(first, end)

    def _keep_top(self) -> None:
        """Has the topmost card in view stay where it is, until the person scrolls."""
        top = next((card for card in self.cards if self._height_of(card) + card.height() > 0), None)
        self._kept = None if top is None else (top, self._height_of(top))

    def _show(self, first: int, end: int) -> None:
        """Shows the turns from ``first`` to before ``end``. A card that is being edited stays."""
        edited = [card.state.index for card in self.cards if card.editor is not None and card.state.index < self._count]
        first, end = min([first, *edited]), max([end, *(index + 1 for index in edited)])
        here = {self._first + place: card for place, card in enumerate(self.cards)}
        spare = [here.pop(index) for index in list(here) if not first <= index < end]
        for card in spare:
            self._rows.removeWidget(card)
        self._first, self.cards = first, []
        for place, index in enumerate(range(first, end)):
            card = here.get(index) or (spare.pop() if spare else self._new_card())
            if index not in here:
                self._rows.insertWidget(1 + place, card)  # behind the button
            card.show_state(self._state(index))
            card.show()  # now, so that it can get the focus
            self.cards.append(card)
        for card in spare:
            card.hide()
            card.deleteLater()
        behind = self._count - end
        self.earlier.setVisible(first > 0)
        self.earlier.setText(f"Show {_some(first)} earlier turns")
        self.later.setVisible(behind > 0)
        self.later.setText(f"Show {_some(behind)} later turns")

    def _at_once(self, work: Callable[[], object]) -> QTimer:
        """A timer that does something once what is happening has happened."""
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.timeout.connect(work)
        return timer

    def _new_card(self) -> TurnCard:
        card = TurnCard(self._theme, self._pixels)
        self._connect(card)
        return card

    @Slot()
    def _reveal(self) -> None:
        """Scrolls to the card with the focus."""
        card = next((card for card in self.cards if card.hasFocus()), None)
        if card is not None:
            self._kept = None
            self.ensureWidgetVisible(card, 0, 16)
            self._follow_from_here()

    def _height_of(self, card: TurnCard) -> int:
        """Where the upper edge of a card is in the view, in pixels below that of the view."""
        return card.mapTo(self.viewport(), QPoint(0, 0)).y()

    def _on_range_changed(self, _least: int, most: int) -> None:
        if self._follows:
            self.verticalScrollBar().setValue(most)
        else:
            self._placing.start()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._column and event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Resize):
            self._placing.start()  # when the cards have their places
        return super().eventFilter(watched, event)

    @Slot()
    def _place(self) -> None:
        """Moves the card that stays where it was in view back there."""
        if self._kept is not None and self._kept[0] in self.cards and not self._follows:
            card, height = self._kept
            bar = self.verticalScrollBar()
            bar.setValue(bar.value() + self._height_of(card) - height)

    def _follow_from_here(self) -> None:
        """Keeps the end in view from now on if it is in view."""
        bar = self.verticalScrollBar()
        self._follows = self._end == self._count and bar.value() >= bar.maximum() - 4

    @Slot()
    def _on_person_scrolls(self) -> None:
        self._kept = None
        self._edge.start()  # the bar moves after it has told of it

    @Slot()
    def _look_for_edge(self) -> None:
        self._follow_from_here()
        bar = self.verticalScrollBar()
        if bar.value() <= bar.minimum() and self._first > 0:
            self.show_earlier()
        elif bar.value() >= bar.maximum() and self._end < self._count:
            self.show_later()


def _some(turns: int) -> str:
    return f"{number_format.count(min(MORE, turns))} of {number_format.count(turns)}"
