"""Links scrolling and selection of the columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QObject, Signal

from gptdesk.ui.compare.columns.column_view import ColumnView


class ColumnLinks(QObject):
    """Scrolls all columns together, and selects in all of them what is selected in one.

    Args:
        columns: returns the columns.

    Signals:
        pointed(int, int): emitted with column and character when the person points at a character.
    """

    pointed = Signal(int, int)

    def __init__(self, columns: Callable[[], Sequence[ColumnView]], parent: QObject) -> None:
        super().__init__(parent)
        self._columns = columns
        self._is_moving = False

    def add(self, column: ColumnView) -> None:
        """Links a column with the others."""
        column.text.verticalScrollBar().valueChanged.connect(partial(self._scroll, column))
        column.text.selected.connect(partial(self._select, column))
        column.text.pointed.connect(partial(self._point, column))

    def _scroll(self, source: ColumnView, value: int) -> None:
        if self._is_moving:
            return
        self._is_moving = True
        for column in self._columns():
            if column is not source:
                column.text.verticalScrollBar().setValue(value)
        self._is_moving = False

    def _select(self, source: ColumnView, start: int, end: int) -> None:
        for column in self._columns():
            if column is not source:
                column.text.select(start, end)

    def _point(self, source: ColumnView, character: int) -> None:
        columns = list(self._columns())
        if source in columns:
            self.pointed.emit(columns.index(source), character)
