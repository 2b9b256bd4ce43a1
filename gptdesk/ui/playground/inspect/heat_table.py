"""A map of coloured cells that is read by mouse, keyboard and screen reader alike: a table."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QGuiApplication, QImage, QKeyEvent, QKeySequence, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from gptdesk.coloured_text.ramps import STEPS, ramp
from gptdesk.ui.fonts import scaled
from gptdesk.ui.palette import Colours
from gptdesk.ui.playground.inspect.heat_model import PICTURE, STRONG, VALUE, HeatGrid, HeatModel
from gptdesk.ui.theme import Theme

_GAP: Final = 1
_MARGIN: Final = 3

_MOST_COPIED: Final = 20_000
"""Cells that are copied: they take a tenth of a second."""

_EQUAL_LUMINANCE: Final = 0.179
"""On this black and white have the same contrast: 1.05 / (L + 0.05) = (L + 0.05) / 0.05."""


class HeatTable(QTableView):
    """Shows a `HeatGrid`. Arrows move, Enter or a click chooses a cell, Ctrl+C copies the cells as CSV (of a very
    large map those of the current row), Esc leaves.

    Args:
        theme: of the window.
        name: for screen readers.
        cell: width and height of a cell in pixels at a font of 13 pixels.

    Attributes:
        cells: the model.

    Signals:
        chosen(int, int): emitted with row and column of a cell that was clicked, or on which Enter was pressed.
        moved(int, int): emitted with row and column of the current cell when it changes.
        left(): emitted when Esc was pressed.
    """

    chosen = Signal(int, int)
    moved = Signal(int, int)
    left = Signal()

    def __init__(self, theme: Theme, name: str, cell: tuple[int, int], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.cells = HeatModel(self)
        self.setModel(self.cells)
        self.setItemDelegate(HeatDelegate(theme, self))
        self.setProperty("kind", "heat")
        self.setAccessibleName(name)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setMinimumSize(scaled(120), scaled(72))
        for corner in self.findChildren(QAbstractButton):
            corner.setAccessibleName(f"{name}: all cells")
        across, down = self.horizontalHeader(), self.verticalHeader()
        across.setDefaultSectionSize(scaled(cell[0]))
        down.setDefaultSectionSize(scaled(cell[1]))
        for header in (across, down):
            header.setMinimumSectionSize(scaled(16))
            header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
            header.setSectionsClickable(False)
            header.setHighlightSections(True)
            header.setProperty("kind", "heat")
        across.setDefaultAlignment(Qt.AlignmentFlag.AlignCenter)
        down.setDefaultAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        theme.changed.connect(self.viewport().update)
        self.clicked.connect(lambda index: self.chosen.emit(index.row(), index.column()))

    def show_grid(self, grid: HeatGrid) -> None:
        """Shows other values."""
        self.cells.show_grid(grid)

    def go_to(self, row: int, column: int) -> None:
        """Makes a cell the current one and scrolls to it, without telling."""
        index = self.cells.index(row, column)
        if index.isValid() and index != self.currentIndex():
            self.blockSignals(True)
            self.setCurrentIndex(index)
            self.blockSignals(False)
            self.scrollTo(index)
            self.viewport().update()

    def currentChanged(
        self, current: QModelIndex | QPersistentModelIndex, previous: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().currentChanged(current, previous)
        if current.isValid():
            self.moved.emit(current.row(), current.column())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.chosen.emit(self.currentIndex().row(), self.currentIndex().column())
        elif event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        elif event.matches(QKeySequence.StandardKey.Copy):
            few = self.cells.rowCount() * self.cells.columnCount() <= _MOST_COPIED
            row = max(0, self.currentIndex().row())
            QGuiApplication.clipboard().setText(self.cells.as_csv(None if few else row))
        else:
            super().keyPressEvent(event)


class HeatDelegate(QStyledItemDelegate):
    """Paints a cell in the colour of its value: the accent for positive ones, the warning colour for negative ones."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(0, 0)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        colours, rect = self._theme.colours, QRect(option.rect).adjusted(0, 0, -_GAP, -_GAP)
        value, picture = index.data(VALUE), index.data(PICTURE)
        fill = colours.background if value is None else colour_of(value, colours)
        painter.fillRect(rect, QColor(fill))
        if picture is not None:
            painter.drawImage(rect.adjusted(1, 1, -1, -1), small_map(picture, colours))
        elif words := index.data(Qt.ItemDataRole.DisplayRole):
            font = QFont(option.font)
            font.setWeight(QFont.Weight.Bold if index.data(STRONG) else QFont.Weight.Normal)
            painter.setFont(font)
            painter.setPen(QColor(ink_on(fill)))
            inner = rect.adjusted(_MARGIN, 0, -_MARGIN, 0)
            shown = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, inner.width())
            painter.drawText(inner, Qt.AlignmentFlag.AlignCenter, shown)
        if option.state & QStyle.StateFlag.State_Selected:
            focused = bool(option.state & QStyle.StateFlag.State_Active) and option.widget.hasFocus()
            painter.setPen(QPen(QColor(colours.text if focused else colours.muted), 2))
            painter.drawRect(rect.adjusted(1, 1, -1, -1))


def colour_of(value: float, colours: Colours) -> str:
    """The colour of a value from -1 to 1."""
    step = round(min(1.0, abs(value)) * (STEPS - 1))
    return ramp(colours.surface, colours.accent if value >= 0 else colours.warn)[step]


def ink_on(fill: str) -> str:
    """Black or white, whichever can be read better on a colour: at least 4.5 to 1 (WCAG 2.2, "contrast ratio")."""
    red, green, blue = (_linear(int(fill[at : at + 2], 16) / 255) for at in (1, 3, 5))
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "#FFFFFF" if luminance < _EQUAL_LUMINANCE else "#000000"


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4  # IEC 61966-2-1


def small_map(values: Any, colours: Colours) -> QImage:
    """A picture of values from 0 to 1, one pixel each; their square roots, or nothing of long texts would be seen."""
    steps = np.rint(np.sqrt(np.clip(values, 0, 1)) * (STEPS - 1)).astype(np.uint8)
    table = [QColor(colour).rgb() for colour in ramp(colours.surface, colours.accent)]
    rows, columns = steps.shape
    wide = np.zeros((rows, -(-columns // 4) * 4), np.uint8)  # lines of an image begin at multiples of 4 bytes
    wide[:, :columns] = steps
    image = QImage(wide.tobytes(), columns, rows, wide.shape[1], QImage.Format.Format_Indexed8)
    image.setColorTable(table)
    return image.copy()
