"""Group of the model list: a heading and cards, in two columns if the window is wide enough."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from gptdesk.ui.models.list_view.card import ModelCard, card_height

_GAP: Final = 8
_COLUMN: Final = 760
"""Minimum width of a column, in pixels."""


class CardGrid(QWidget):
    """Places cards of equal height in columns. A `QLayout` would be too slow for hundreds of cards."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cards: list[ModelCard] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_cards(self, cards: Sequence[ModelCard]) -> None:
        """Shows these cards in this order."""
        self._cards = list(cards)
        self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._arrange()

    def sizeHint(self) -> QSize:
        return QSize(320, self.height())

    def _arrange(self) -> None:
        columns = max(1, (self.width() + _GAP) // (_COLUMN + _GAP))
        width = (self.width() - (columns - 1) * _GAP) // columns
        height = card_height(self.font())
        for number, each in enumerate(self._cards):
            row, column = divmod(number, columns)
            each.setGeometry(column * (width + _GAP), row * (height + _GAP), width, height)
        rows = -(-len(self._cards) // columns)
        self.setFixedHeight(max(0, rows * (height + _GAP) - _GAP))


class ModelGroup(QWidget):
    """One group.

    Attributes:
        grid: of its cards.
        all: below the cards; shows those that are left out.

    Signals:
        unfolded(): the button ``all`` was pressed.
    """

    unfolded = Signal()

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(title)
        heading = QLabel(title)
        heading.setProperty("kind", "heading")
        self._note = QLabel()
        self._note.setProperty("kind", "muted")
        self.all = QPushButton()
        self.all.setProperty("kind", "muted")
        self.all.setCheckable(True)
        self.all.clicked.connect(self.unfolded)
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(heading)
        top.addWidget(self._note, 1)
        self.grid = CardGrid()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(top)
        layout.addWidget(self.grid)
        layout.addWidget(self.all, 0, Qt.AlignmentFlag.AlignLeft)

    def show_words(self, note: str, hidden: int) -> None:
        """Shows a note beside the title, and how many cards are left out."""
        self._note.setText(note)
        self.all.setText("Fewer" if self.all.isChecked() else f"More ({hidden})")
        self.all.setAccessibleName(f"{self.all.text()}: {self.accessibleName()}")
        self.all.setVisible(bool(hidden) or self.all.isChecked())
