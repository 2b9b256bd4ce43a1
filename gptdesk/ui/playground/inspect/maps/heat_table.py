"""A map of coloured cells that is read by mouse, keyboard and screen reader alike: a table."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QGuiApplication, QKeyEvent, QKeySequence, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from gptdesk.ui.fonts import scaled
from gptdesk.ui.playground.inspect.maps.heat_model import HeatGrid, HeatModel
from gptdesk.ui.playground.inspect.maps.heat_painting import HeatDelegate, paint_tiles
from gptdesk.ui.theme import Theme

_MARGIN: Final = 3

_MOST_COPIED: Final = 20_000
"""Cells that are copied: they take a tenth of a second."""

_MOST_PAINTED: Final = 10_000
"""Cells of a picture that have words, or small maps; larger ones are tiles of colours."""

_LARGEST: Final = 4096
"""Pixels that the tiles of a picture are wide or high at most, if a cell need not be smaller than one."""

_WORDS_FROM: Final = 12
"""Pixels from which on cells of the screen are painted one by one."""


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
        hovered(int, int): emitted with row and column of the cell under the pointer; -1 where there is none.
        left(): emitted when Esc was pressed.
    """

    chosen = Signal(int, int)
    moved = Signal(int, int)
    hovered = Signal(int, int)
    left = Signal()

    def __init__(self, theme: Theme, name: str, cell: tuple[int, int], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._cell = theme, cell
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
        self.setMouseTracking(True)
        self.entered.connect(lambda index: self.hovered.emit(index.row(), index.column()))

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

    def fit(self, whole: bool) -> None:
        """Makes cells so small that the map is seen as a whole, one pixel at least; or as large as their words need."""
        across, down = self.horizontalHeader(), self.verticalHeader()
        for header in (across, down):
            header.setVisible(not whole)
        self.updateGeometries()  # the room is that without names
        size = scaled(self._cell[0]), scaled(self._cell[1])
        if whole and self.cells.rowCount() and self.cells.columnCount():
            room = self.maximumViewportSize()
            side = max(1, min(room.width() // self.cells.columnCount(), room.height() // self.cells.rowCount()))
            size = min(side, size[1]), min(side, size[1])
        for header, pixels in ((across, size[0]), (down, size[1])):
            header.setMinimumSectionSize(min(pixels, scaled(16)))
            header.setDefaultSectionSize(pixels)

    @property
    def is_copied_whole(self) -> bool:
        """Whether `as_csv` has all cells."""
        return self.cells.rowCount() * self.cells.columnCount() <= _MOST_COPIED

    def as_csv(self) -> str:
        """The cells as CSV; of a very large map those of the current row."""
        return self.cells.as_csv(None if self.is_copied_whole else max(0, self.currentIndex().row()))

    def picture_size(self) -> QSize:
        """Size of `paint_picture`, in pixels."""
        rows, columns = self.cells.rowCount(), self.cells.columnCount()
        if rows * columns > _MOST_PAINTED:
            return QSize(columns, rows) * max(1, min(self.rowHeight(0), _LARGEST // max(rows, columns)))
        names = self._names_size()
        across = sum(self.columnWidth(column) for column in range(columns))
        return QSize(names.width() + across, names.height() + sum(self.rowHeight(row) for row in range(rows)))

    def paint_picture(self, painter: QPainter, place: QRect) -> None:
        """Paints all cells with their names; of a very large map the colours alone."""
        rows, columns, names = self.cells.rowCount(), self.cells.columnCount(), self._names_size()
        if rows * columns > _MOST_PAINTED:
            paint_tiles(painter, self.cells.grid.values, QRectF(place), self._theme.colours)
            return
        option = QStyleOptionViewItem()
        self.initViewItemOption(option)
        option.state = QStyle.StateFlag.State_Enabled
        left, top = place.left() + names.width(), place.top() + names.height()
        x, places = left, []
        for column in range(columns):
            places.append((x, self.columnWidth(column)))
            x += self.columnWidth(column)
        for column, (x, width) in enumerate(places):
            self._paint_name(painter, QRect(x, place.top(), width, names.height()), column, Qt.Orientation.Horizontal)
        for row in range(rows):
            height = self.rowHeight(row)
            self._paint_name(painter, QRect(place.left(), top, names.width(), height), row, Qt.Orientation.Vertical)
            for column, (x, width) in enumerate(places):
                option.rect = QRect(x, top, width, height)
                painter.save()
                self.itemDelegate().paint(painter, option, self.cells.index(row, column))
                painter.restore()
            top += height

    def _names_size(self) -> QSize:
        """Width of the names of rows, height of those of columns; 0 where they are not shown."""
        across, down = self.horizontalHeader(), self.verticalHeader()
        return QSize(
            0 if down.isHidden() else down.sizeHint().width(), 0 if across.isHidden() else across.sizeHint().height()
        )

    def _paint_name(self, painter: QPainter, rect: QRect, section: int, orientation: Qt.Orientation) -> None:
        if rect.isEmpty():
            return
        header = self.horizontalHeader() if orientation == Qt.Orientation.Horizontal else self.verticalHeader()
        font = QFont(header.font())
        font.setBold(self.cells.headerData(section, orientation, Qt.ItemDataRole.FontRole) is not None)
        painter.setFont(font)
        painter.setPen(QColor(self._theme.colours.muted))
        lines = str(self.cells.headerData(section, orientation)).split("\n")
        inner = rect.adjusted(_MARGIN, 0, -_MARGIN, 0)
        shown = [painter.fontMetrics().elidedText(line, Qt.TextElideMode.ElideRight, inner.width()) for line in lines]
        painter.drawText(inner, header.defaultAlignment(), "\n".join(shown))

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.rowHeight(0) >= scaled(_WORDS_FROM) or not self.cells.rowCount():
            super().paintEvent(event)
            return
        rows, columns = self.cells.rowCount(), self.cells.columnCount()
        room = self.viewport().rect()
        first_row, first_column = max(0, self.rowAt(0)), max(0, self.columnAt(0))
        last_row, last_column = self.rowAt(room.bottom()), self.columnAt(room.right())
        last_row, last_column = last_row % rows + 1, last_column % columns + 1  # -1 where all are above
        corner = QPoint(self.columnViewportPosition(first_column), self.rowViewportPosition(first_row))
        size = QSize(self.columnWidth(0) * (last_column - first_column), self.rowHeight(0) * (last_row - first_row))
        values = self.cells.grid.values[first_row:last_row, first_column:last_column]
        painter = QPainter(self.viewport())
        paint_tiles(painter, values, QRectF(QRect(corner, size)), self._theme.colours)
        if self.currentIndex().isValid():
            painter.setPen(QPen(QColor(self._theme.colours.text), 1))
            painter.drawRect(self.visualRect(self.currentIndex()).adjusted(-1, -1, 0, 0))
        painter.end()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.hovered.emit(-1, -1)

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
            QGuiApplication.clipboard().setText(self.as_csv())
        else:
            super().keyPressEvent(event)
