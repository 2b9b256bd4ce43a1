"""The turns of a chat: the last ones as cards, earlier ones on demand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import Qt, QTimer, Slot
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

_WIDEST: Final = 760
"""Width of the column, in pixels at a font of 13 pixels: longer lines are hard to read."""


class TurnList(QScrollArea):
    """A column of cards.

    Args:
        state: returns what to show of the turn with that index.
        connect: connects the signals of a new card.

    Attributes:
        cards: those that are shown, first to last.
        earlier: shows earlier turns.
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
        self._shown = MORE
        self._follows = True  # whether the end is kept in view
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
        self.earlier = QPushButton()
        self.earlier.setProperty("kind", "muted")
        self.earlier.clicked.connect(self.show_more)
        self._rows = QVBoxLayout(self._column)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(8)
        self._rows.addWidget(self.earlier)
        middle = QHBoxLayout()
        middle.addStretch(1)
        middle.addWidget(self._column, 1000)  # as wide as it may be
        middle.addStretch(1)
        outer.addLayout(middle)
        outer.addStretch(1)
        self.setWidget(inner)
        bar = self.verticalScrollBar()
        bar.rangeChanged.connect(self._on_range_changed)
        bar.valueChanged.connect(self._on_scrolled)
        self.show_turns(0)

    def show_turns(self, count: int) -> None:
        """Shows the last of so many turns, in as few changes as possible."""
        self._count = count
        first = max(count - self._shown, 0)
        wanted = count - first
        while len(self.cards) > wanted:
            card = self.cards.pop()
            self._rows.removeWidget(card)
            card.hide()
            card.deleteLater()
        while len(self.cards) < wanted:
            card = TurnCard(self._theme, self._pixels)
            self._connect(card)
            self.cards.append(card)
            self._rows.addWidget(card)
        for place, card in enumerate(self.cards):
            card.show_state(self._state(first + place))
        self.earlier.setVisible(first > 0)
        self.earlier.setText(
            f"Show {number_format.count(min(MORE, first))} of {number_format.count(first)} earlier turns"
        )

    def start(self, count: int) -> None:
        """Shows another chat, at its end."""
        self._shown = MORE
        self._follows = True
        self.show_turns(count)
        self.show_end()

    @Slot()
    def show_more(self) -> None:
        """Shows earlier turns; what is in view stays there."""
        self._follows = False
        behind = self.verticalScrollBar().maximum() - self.verticalScrollBar().value()
        self._shown += MORE
        self.show_turns(self._count)
        QTimer.singleShot(0, self, lambda: self._keep(behind))

    def grow(self, turn: ChatTurn) -> None:
        """Shows more of the last turn."""
        if self.cards:
            self.cards[-1].grow(turn)

    def focus_card(self, index: int) -> bool:
        """Focuses the card of a turn; returns whether it is shown."""
        card = next((card for card in self.cards if card.state.index == index), None)
        if card is None:
            return False
        card.setFocus()
        self.ensureWidgetVisible(card, 0, 16)
        return True

    def set_text_size(self, pixels: int) -> None:
        self._pixels = pixels
        for card in self.cards:
            card.set_text_size(pixels)

    @Slot()
    def show_end(self) -> None:
        """Scrolls to the end, and keeps it in view."""
        self._follows = True
        self.verticalScrollBar().setValue(self.verticalScrollBar().maximum())

    def _keep(self, behind: int) -> None:
        self.verticalScrollBar().setValue(self.verticalScrollBar().maximum() - behind)

    def _on_range_changed(self, _least: int, most: int) -> None:
        if self._follows:
            self.verticalScrollBar().setValue(most)

    def _on_scrolled(self, value: int) -> None:
        self._follows = value >= self.verticalScrollBar().maximum() - 4
