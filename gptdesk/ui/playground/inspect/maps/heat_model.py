"""A table of values that are shown as colours, with words for each; what readers of a screen get of a map."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QFont

from gptdesk.ui.widgets.tooltips import wrapped

VALUE: Final = Qt.ItemDataRole.UserRole
"""Role of a cell's value, from -1 to 1; None where it is not known."""

STRONG: Final = Qt.ItemDataRole.UserRole + 1
"""Role that says whether a cell's words are to be stressed."""

PICTURE: Final = Qt.ItemDataRole.UserRole + 2
"""Role of a cell's small map: values from 0 to 1, (rows, columns); None for none."""

_Index = QModelIndex | QPersistentModelIndex
_NOWHERE: Final = QModelIndex()


def _no_words(row: int, column: int) -> str:
    return ""


@dataclass(frozen=True, eq=False)
class HeatGrid:
    """What a map shows.

    Attributes:
        rows, columns: their names, as far as there is room for them.
        row_help, column_help: longer names; empty where there are none.
        values: (rows, columns), -1 to 1; NaN where a value is not known.
        text: words in a cell.
        help: what a cell means, in whole words.
        strong: whether a cell's words are to be stressed.
        picture: small map in a cell, values from 0 to 1.
        strong_columns: columns whose names are to be stressed.
        numbers: what is copied of the cells, by name: (rows, columns) each; NaN where there is none.
    """

    rows: Sequence[str] = ()
    columns: Sequence[str] = ()
    row_help: Sequence[str] = ()
    column_help: Sequence[str] = ()
    values: npt.NDArray[np.floating] = field(default_factory=lambda: np.zeros((0, 0)))
    text: Callable[[int, int], str] = _no_words
    help: Callable[[int, int], str] = _no_words
    strong: Callable[[int, int], bool] = lambda row, column: False
    picture: Callable[[int, int], Any] = lambda row, column: None
    strong_columns: Collection[int] = ()
    numbers: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)


class HeatModel(QAbstractTableModel):
    """The cells of a `HeatGrid`."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.grid = HeatGrid()

    def show_grid(self, grid: HeatGrid) -> None:
        """Shows other values; the place in the table stays where the names are as many."""
        same = (len(grid.rows), len(grid.columns)) == (len(self.grid.rows), len(self.grid.columns))
        if same:
            self.grid = grid
            if grid.rows and grid.columns:
                self.dataChanged.emit(self.index(0, 0), self.index(len(grid.rows) - 1, len(grid.columns) - 1))
                self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(grid.columns) - 1)
                self.headerDataChanged.emit(Qt.Orientation.Vertical, 0, len(grid.rows) - 1)
            return
        self.beginResetModel()
        self.grid = grid
        self.endResetModel()

    def as_csv(self, only: int | None = None) -> str:
        """A line for each cell, of one row if one is named: names of row and column, words, numbers and meaning."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(("row", "column", "text", *self.grid.numbers, "meaning"))
        for row, name in enumerate(self.grid.rows):
            if only not in (None, row):
                continue
            for column, other in enumerate(self.grid.columns):
                numbers = [_number(values[row, column]) for values in self.grid.numbers.values()]
                text, meaning = self.grid.text(row, column), self.grid.help(row, column)
                writer.writerow((_in_line(name), _in_line(other), text, *numbers, meaning))
        return buffer.getvalue()

    def rowCount(self, parent: _Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.grid.rows)

    def columnCount(self, parent: _Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.grid.columns)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row, column, grid = index.row(), index.column(), self.grid
        if role == Qt.ItemDataRole.DisplayRole:
            return grid.text(row, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return wrapped(grid.help(row, column))
        if role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.AccessibleDescriptionRole):
            return grid.help(row, column)
        if role == VALUE:
            value = float(grid.values[row, column])
            return None if np.isnan(value) else value
        if role == STRONG:
            return grid.strong(row, column)
        if role == PICTURE:
            return grid.picture(row, column)
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        across = orientation == Qt.Orientation.Horizontal
        names, help = (self.grid.columns, self.grid.column_help) if across else (self.grid.rows, self.grid.row_help)
        if role == Qt.ItemDataRole.DisplayRole and section < len(names):
            return names[section]
        if role == Qt.ItemDataRole.FontRole and across and section in self.grid.strong_columns:
            font = QFont()
            font.setBold(True)
            return font
        if role == Qt.ItemDataRole.ToolTipRole and section < len(help):
            return wrapped(help[section])
        return None


def _number(value: Any) -> str:
    """A number with the digits that its type holds; nothing for NaN."""
    return "" if np.isnan(value) else str(value)


def _in_line(name: str) -> str:
    return name.replace("\n", " / ")
