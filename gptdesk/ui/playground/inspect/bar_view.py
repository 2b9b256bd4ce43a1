"""A list of names with figures and bars, the longest first: base of the views of parts, neurons and embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QHeaderView, QStyledItemDelegate, QStyleOptionViewItem, QVBoxLayout, QWidget

from gptdesk.ui.fonts import scaled
from gptdesk.ui.playground.inspect.heat_model import VALUE, HeatGrid
from gptdesk.ui.playground.inspect.heat_table import HeatTable
from gptdesk.ui.services.reading.look_jobs import Looked, LookJob
from gptdesk.ui.theme import Theme

if TYPE_CHECKING:
    from gptdesk.gpt2.mixed_text import MixedText
    from gptdesk.gpt2.tokenizer import Tokenizer

_LEAST_BAR: Final = 140
"""Width of a figure and its bar at least, in pixels at a font of 13 pixels."""

_FIGURE: Final = 72
"""Width of a figure before its bar, in pixels at a font of 13 pixels."""


class BarView(QWidget):
    """A row for each name; subclasses ask and fill it.

    Args:
        theme: of the window.
        name: of the table for screen readers.
        width: of the names, in pixels at a font of 13 pixels.

    Attributes:
        table: the rows.

    Signals:
        left(): emitted when the person wants to go back to the text.
    """

    left = Signal()
    view: str

    def __init__(self, theme: Theme, name: str, width: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._width = width
        self.table = HeatTable(theme, name, (_LEAST_BAR, 24))
        self.table.setItemDelegate(BarDelegate(theme, self.table))
        self.table.horizontalHeader().setStretchLastSection(True)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.table.verticalHeader().hide()
        self.table.horizontalHeader().hide()
        self.table.left.connect(self.left)
        self.setFocusProxy(self.table)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.table)

    def jobs(self, text: MixedText, caret: int) -> list[LookJob]:
        """What is to be asked for this text."""
        return [LookJob(self.view, text, caret)]

    def needs_caret(self) -> bool:
        """Whether what is shown depends on the caret."""
        return True

    def receive(self, looked: Looked, tokenizer: Tokenizer) -> str:
        """Shows the answer; returns what is to be said of it."""
        raise NotImplementedError

    def show_bars(
        self, names: Sequence[str], values: Sequence[float], figures: Sequence[str], help: Sequence[str]
    ) -> None:
        """Shows rows: names, lengths of bars as shares of the longest, figures, and a sentence for each."""
        largest = max((abs(value) for value in values), default=0.0) or 1.0
        self.table.show_grid(
            HeatGrid(
                names,
                ("Name", "Value"),
                values=np.array([[0.0, value / largest] for value in values]).reshape(-1, 2),
                text=lambda row, column: figures[row] if column else names[row],
                help=lambda row, column: help[row],
            )
        )
        self.table.setColumnWidth(0, scaled(self._width))

    def show_caret(self, position: int) -> None:
        """The answer to the job shows it."""

    def clear(self) -> None:
        """Shows nothing."""
        self.table.show_grid(HeatGrid())


class BarDelegate(QStyledItemDelegate):
    """Paints names as usual, and a value as a figure and a bar that begins in the middle."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().paint(painter, option, index)
        if index.column() == 0:
            return
        colours, value = self._theme.colours, float(index.data(VALUE))
        whole = QRectF(option.rect).adjusted(scaled(_FIGURE), 0, -8, 0)
        middle, reach = whole.center().x(), whole.width() / 2
        painter.save()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.accent if value >= 0 else colours.warn))
        width = max(1.0, reach * abs(value))
        painter.drawRect(QRectF(middle if value >= 0 else middle - width, whole.center().y() - 4, width, 8))
        painter.setBrush(QColor(colours.hairline))
        painter.drawRect(QRectF(middle, whole.top(), 1, whole.height()))
        painter.restore()
