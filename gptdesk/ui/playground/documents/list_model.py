"""The list of documents as a Qt model."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from gptdesk.store.catalog.search_index import FIRST, LAST
from gptdesk.store.catalog.tags import shown_tags
from gptdesk.ui.playground.documents.dates import when
from gptdesk.ui.playground.documents.listing import Row

ROW: Final = Qt.ItemDataRole.UserRole
"""The `Row` itself."""

_ROOT: Final = QModelIndex()
Index = QModelIndex | QPersistentModelIndex


class DocumentListModel(QAbstractListModel):
    """The rows that are shown; a title can be edited.

    Signals:
        renamed(str, str): emitted with the id of a document and the title that the person gave it.
    """

    renamed = Signal(str, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: Sequence[Row] = ()
        self._places: dict[str, int] = {}

    @property
    def rows(self) -> Sequence[Row]:
        return self._rows

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Shows these rows; where only their contents differ, selection and scrolling stay."""
        if [row.entry.id for row in rows] == [row.entry.id for row in self._rows]:
            self._rows = rows
            if rows:
                self.dataChanged.emit(self.index(0), self.index(len(rows) - 1))
            return
        self.beginResetModel()
        self._rows = rows
        self._places = {row.entry.id: place for place, row in enumerate(rows)}
        self.endResetModel()

    def place_of(self, id: str) -> QModelIndex:
        """The index of a document; an invalid one where it is not shown."""
        place = self._places.get(id)
        return QModelIndex() if place is None else self.index(place)

    def row_at(self, index: Index) -> Row | None:
        """The row of an index; ``None`` for an invalid one."""
        return self._rows[index.row()] if index.isValid() and index.row() < len(self._rows) else None

    # Qt's interface

    def rowCount(self, parent: Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self.row_at(index)
        if row is None:
            return None
        if role == ROW:
            return row
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return row.entry.title
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return _spoken(row)
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        row = self.row_at(index)
        if row is None or role != Qt.ItemDataRole.EditRole or str(value).strip() == row.entry.title:
            return False
        self.renamed.emit(row.entry.id, str(value))
        return True

    def flags(self, index: Index) -> Qt.ItemFlag:
        row = self.row_at(index)
        flags = super().flags(index)
        return flags if row is None or row.entry.trashed is not None else flags | Qt.ItemFlag.ItemIsEditable


def _spoken(row: Row) -> str:
    """A row for a screen reader."""
    entry = row.entry
    snippet = row.snippet.replace(FIRST, "").replace(LAST, "")
    marks = ["pinned"] if entry.pinned else []
    marks += ["damaged"] if entry.damaged else []
    date = when(entry.modified, time.time())
    return ", ".join(filter(None, [entry.title, date, *marks, shown_tags(entry.tags), snippet]))
