"""Cards in as few rows as their width allows, all of one size."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QScrollArea, QWidget

from gptdesk.ui.fonts import scaled
from gptdesk.ui.playground.completions.card import HEIGHT, WIDTH, CompletionCard

_GAP = 8
_TALLEST = 420
"""Height of a card beyond which the text above gets the space, in pixels at a font of 13 pixels."""


class CardGrid(QScrollArea):
    """The cards; they share the space, and scroll where that is less than they need.

    Attributes:
        cards: from left to right, from top to bottom.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.cards: list[CompletionCard] = []
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._inside = QWidget()
        for area in (self, self._inside):
            area.setProperty("zone", "background")
        self.setWidget(self._inside)

    def set_cards(self, cards: Sequence[CompletionCard]) -> None:
        """Replaces the cards."""
        for card in self.cards:
            card.hide()
            card.deleteLater()
        self.cards = list(cards)
        for card in self.cards:
            card.setParent(self._inside)
            card.moved.connect(self._move_focus)
            card.show()
        self._arrange()

    @property
    def columns(self) -> int:
        """Cards in a row: so few that the rows are as few as can be, and equally long where possible."""
        count = max(1, len(self.cards))
        fitting = max(1, (self.viewport().width() + _GAP) // (scaled(WIDTH) + _GAP))
        return math.ceil(count / math.ceil(count / fitting))

    def sizeHint(self) -> QSize:
        return QSize(scaled(WIDTH), 2 * scaled(HEIGHT))

    def minimumSizeHint(self) -> QSize:
        return QSize(0, scaled(HEIGHT))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        columns = self.columns
        rows = max(1, math.ceil(len(self.cards) / columns))
        area = self.viewport().size()
        width = (area.width() - _GAP * (columns - 1)) // columns
        height = max(scaled(HEIGHT), (area.height() - _GAP * (rows - 1)) // rows)
        self.setMaximumHeight(rows * (scaled(_TALLEST) + _GAP) - _GAP)
        self._inside.resize(area.width(), rows * (height + _GAP) - _GAP)
        for place, card in enumerate(self.cards):
            row, column = divmod(place, columns)
            card.setGeometry(column * (width + _GAP), row * (height + _GAP), width, height)

    def _move_focus(self, columns: int, rows: int) -> None:
        """Moves the focus to another card, if there is one."""
        place = next((i for i, card in enumerate(self.cards) if card.hasFocus()), None)
        if place is None:
            return
        target = place + columns + rows * self.columns
        if 0 <= target < len(self.cards):
            self.cards[target].setFocus(Qt.FocusReason.TabFocusReason)
            self.ensureWidgetVisible(self.cards[target], 0, _GAP)
