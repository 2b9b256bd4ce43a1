"""The rows of the branches as a Qt model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from gptdesk.ui.playground.branches.arrangement import Query, Row, Rows
from gptdesk.ui.playground.branches.labels import Figures, explained, figures, spoken, title
from gptdesk.ui.widgets.tooltips import wrapped

if TYPE_CHECKING:
    from gptdesk.gpt2.tokenizer import Tokenizer

ROW: Final = Qt.ItemDataRole.UserRole
"""The `Row` itself."""

FIGURES: Final = Qt.ItemDataRole.UserRole + 1
"""Its `Figures`."""

_ROOT: Final = QModelIndex()
Index = QModelIndex | QPersistentModelIndex


class BranchModel(QAbstractItemModel):
    """The rows that are shown; the name of a bookmark can be edited.

    The internal id of an index is that of its segment.

    Attributes:
        rows: what is shown.
        leaf: id of the segment with which the shown text ends.

    Signals:
        named(int, str): emitted with the id of a segment and the name that the person gave its bookmark.
    """

    named = Signal(int, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows = Rows({}, {None: ()}, Query())
        self.leaf: int | None = None
        self._tokenizer: Tokenizer | None = None
        self._figures: dict[int, tuple[Any, Figures]] = {}  # with the runs that they are of

    def show_rows(self, rows: Rows, leaf: int | None) -> None:
        """Shows these rows. What was selected or open and is still there stays so, wherever it stands now."""
        before, self.leaf = self.leaf, leaf
        if rows.nested == self.rows.nested:
            old, self.rows = self.rows, rows
            again = {before, leaf} if before != leaf else set()
            if rows.query != old.query:
                again |= set(rows.by_id)
            for id, row in rows.by_id.items():
                if id in again or row != old.by_id[id]:
                    index = self.index_of(id)
                    self.dataChanged.emit(index, index)
            return
        self.layoutAboutToBeChanged.emit()
        self.rows = rows
        kept = self.persistentIndexList()
        self.changePersistentIndexList(kept, [self.index_of(index.internalId()) for index in kept])
        self._figures = {id: value for id, value in self._figures.items() if id in rows.by_id}
        self.layoutChanged.emit()

    def use_tokenizer(self, tokenizer: Tokenizer | None) -> None:
        """Counts the tokens of typed text with this tokenizer."""
        if tokenizer is not self._tokenizer:
            self._tokenizer = tokenizer
            self._figures.clear()

    def index_of(self, id: int | None) -> QModelIndex:
        """The index of a segment; an invalid one where it has no row."""
        row = self.rows.by_id.get(id) if id is not None else None
        return QModelIndex() if row is None else self.createIndex(row.place, 0, row.segment.id)

    def row_at(self, index: Index) -> Row | None:
        """The row of an index; ``None`` for an invalid one."""
        return self.rows.by_id.get(index.internalId()) if index.isValid() else None

    def figures_of(self, row: Row) -> Figures:
        """The figures of a row, counted when they are first asked for."""
        segment = row.segment
        runs, found = self._figures.get(segment.id, (None, None))
        if found is None or runs != segment.runs:
            found = figures([segment], self._tokenizer)
            self._figures[segment.id] = segment.runs, found
        return found

    # Qt's interface

    def index(self, row: int, column: int, parent: Index = _ROOT) -> QModelIndex:
        ids = self._below(parent)
        if column or not 0 <= row < len(ids):
            return QModelIndex()
        return self.createIndex(row, 0, ids[row])

    def parent(self, child: Index = _ROOT) -> Any:
        row = self.row_at(child)
        return self.index_of(row.parent) if row is not None else QModelIndex()

    def rowCount(self, parent: Index = _ROOT) -> int:
        return len(self._below(parent))

    def columnCount(self, parent: Index = _ROOT) -> int:
        return 1

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self.row_at(index)
        if row is None:
            return None
        if role == ROW:
            return row
        if role == FIGURES:
            return self.figures_of(row)
        if role == Qt.ItemDataRole.DisplayRole:
            return title(row.segment)
        if role == Qt.ItemDataRole.EditRole:
            return row.segment.bookmark or ""
        if role == Qt.ItemDataRole.ToolTipRole:
            return wrapped(explained(row.segment, self.figures_of(row)))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return spoken(row.segment, self.figures_of(row), ends_here=row.segment.id == self.leaf)
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        row = self.row_at(index)
        if row is None or role != Qt.ItemDataRole.EditRole or str(value).strip() == (row.segment.bookmark or ""):
            return False
        self.named.emit(row.segment.id, str(value).strip())
        return True

    def flags(self, index: Index) -> Qt.ItemFlag:
        row = self.row_at(index)
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsEditable if row is not None and row.segment.nodes else flags

    def _below(self, parent: Index) -> Any:
        return self.rows.nested.get(parent.internalId() if parent.isValid() else None, ())
