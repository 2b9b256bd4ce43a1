"""A list of names with figures and bars, which begin in the middle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QResizeEvent
from PySide6.QtWidgets import QHeaderView, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from gptdesk.ui.fonts import scaled
from gptdesk.ui.playground.inspect.maps.heat_model import VALUE, HeatGrid
from gptdesk.ui.playground.inspect.maps.heat_table import HeatTable
from gptdesk.ui.theme import Theme

_LEAST_BAR: Final = 112
"""Width of a figure and its bar at least, in pixels at a font of 13 pixels."""

_LEAST_NAME: Final = 90
"""Width of names at least, in pixels at a font of 13 pixels."""

_FIGURE: Final = 58
"""Width of a figure before its bar, in pixels at a font of 13 pixels."""


class BarTable(HeatTable):
    """A table of names with figures and bars.

    Args:
        theme: of the window.
        name: for screen readers.
        width: of the names, in pixels at a font of 13 pixels.
    """

    def __init__(self, theme: Theme, name: str, width: int) -> None:
        super().__init__(theme, name, (_LEAST_BAR, 24))
        self._width = width
        self.setItemDelegate(BarDelegate(theme, self))
        self.horizontalHeader().setStretchLastSection(True)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().hide()
        self.horizontalHeader().hide()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share_width()

    def _share_width(self) -> None:
        """Gives names their width, or what figures and bars leave of a narrow table."""
        room = self.viewport().width() - scaled(_LEAST_BAR)
        self.setColumnWidth(0, max(scaled(_LEAST_NAME), min(scaled(self._width), room)))

    def show_bars(
        self, names: Sequence[str], values: Sequence[float], figures: Sequence[str], help: Sequence[str]
    ) -> None:
        """Shows rows: names, lengths of bars as shares of the longest, figures, and a sentence for each."""
        largest = max((abs(value) for value in values), default=0.0) or 1.0
        self.show_grid(
            HeatGrid(
                names,
                ("Name", "Value"),
                values=np.array([[0.0, value / largest] for value in values]).reshape(-1, 2),
                text=lambda row, column: figures[row] if column else names[row],
                help=lambda row, column: help[row],
                numbers={"value": np.array([[np.nan, value] for value in values]).reshape(-1, 2)},
            )
        )
        self._share_width()


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
