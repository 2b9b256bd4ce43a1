"""The pane with the tree of branches: search, rows, and what is done with them."""

from __future__ import annotations

from time import perf_counter
from typing import Final

from PySide6.QtCore import QItemSelectionModel, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QWidget

from gptdesk.store.branches.outline import Outline, Segment
from gptdesk.ui.playground.branches.arrangement import Query, arrange
from gptdesk.ui.playground.branches.branches import Branches
from gptdesk.ui.playground.branches.header import BranchHeader
from gptdesk.ui.playground.branches.row_actions import ACTIONS
from gptdesk.ui.playground.branches.row_delegate import BranchDelegate
from gptdesk.ui.playground.branches.tree_model import BranchModel
from gptdesk.ui.playground.branches.tree_view import BranchView
from gptdesk.ui.playground.panes.pane import RowPane
from gptdesk.ui.playground.session import Session
from gptdesk.ui.services.services import InferenceService
from gptdesk.ui.theme import Theme
from gptdesk.ui.throttle import Throttle
from gptdesk.ui.widgets.popup import Menu
from gptdesk.ui.window.commands.registry import Commands

_UPDATE_MS: Final = 250
"""Usual delay until the rows show a change of the text."""

_IDLE_SHARE: Final = 20
"""After showing the rows took t seconds, the pane rests for at least this times t."""

_SEARCH_MS: Final = 120
"""Longest delay until the rows are those that a search finds."""

_FEW: Final = 60
"""Rows of a document that are all unfolded when it is opened."""

_SELECT = QItemSelectionModel.SelectionFlag


class BranchPane(RowPane):
    """The tree of the open document.

    Attributes:
        tree: the rows.
        model: of the rows.
    """

    def __init__(
        self,
        theme: Theme,
        branches: Branches,
        session: Session,
        inference: InferenceService,
        commands: Commands,
        parent: QWidget | None = None,
    ) -> None:
        tree, header = BranchView(theme, ACTIONS.keys), BranchHeader(theme, commands)
        super().__init__(header, tree, parent)
        self.tree, self.header = tree, header
        self._branches, self._session, self._inference, self._commands = branches, session, inference, commands
        self._unfolded: set[int] | None = None  # rows that were unfolded before a search
        self._took = 0.0  # seconds, the last time that the rows were shown
        self._fresh = True  # whether another document was opened since the rows were last shown
        self.outline = Outline({}, None)
        self.model = BranchModel(self)
        self.tree.setItemDelegate(BranchDelegate(theme, self.tree))
        self.tree.setModel(self.model)
        self._updating = Throttle(self._update, _UPDATE_MS, self)
        self._searching = Throttle(self._show, _SEARCH_MS, self)
        self.field.textChanged.connect(lambda: self._searching.request())
        self.tree.edited.connect(self._show)
        self.tree.selectionModel().selectionChanged.connect(lambda: commands.refresh("branches.compare"))
        self.model.named.connect(branches.name)
        session.opened.connect(self._on_opened)
        session.changed.connect(self._on_changed)
        inference.state_changed.connect(self._on_model_changed)
        theme.changed.connect(self.tree.viewport().update)
        self._on_model_changed()

    # What is shown

    @property
    def selected(self) -> list[Segment]:
        """The selected segments from top to bottom."""
        chosen = {index.internalId() for index in self.tree.selectionModel().selectedIndexes()}
        return [row.segment for id, row in self.model.rows.by_id.items() if id in chosen]

    def update_now(self) -> None:
        """Shows the document as it is now."""
        self._updating.cancel()
        self._update()

    @Slot()
    def _on_opened(self) -> None:
        self._fresh = True
        self.field.clear()
        if self.isVisible():
            self.update_now()

    @Slot()
    def _on_changed(self) -> None:
        if self.isVisible():
            self._updating.request(max(_UPDATE_MS, round(1000 * _IDLE_SHARE * self._took)))

    @Slot()
    def _on_model_changed(self) -> None:
        info = self._inference.info
        self.model.use_tokenizer(None if info is None else info.tokenizer)
        self.tree.viewport().update()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._update()

    def _update(self) -> None:
        """Reads the document and shows its rows."""
        if not self.isVisible():
            return
        began = perf_counter()
        before, self.outline = self.outline, self._branches.outline
        current = self.model.row_at(self.tree.currentIndex())
        self._show()
        self._took = perf_counter() - began
        if self._fresh:
            self._fresh = False
            self._unfold_first()
            return
        if self.outline.leaf != before.leaf:
            self.unfold_shown(select=not self.tree.hasFocus())
        if current is not None and not self.tree.currentIndex().isValid():  # it was pruned
            self._select(current.segment.parent if current.segment.parent in self.outline.segments else None)

    @Slot()
    def _show(self) -> None:
        if self.tree.editing:  # shown once the name is given
            return
        query = Query.parse(self.field.text())
        if query and self._unfolded is None:
            self._unfolded = self._open_rows()
        rows = arrange(self.outline, query)
        searched = self.model.rows.query != query
        self.model.show_rows(rows, self.outline.leaf)
        if searched and query:
            self.tree.expandAll()
            self._select_found()
        elif self._unfolded is not None and not query:
            self._restore_open_rows(self._unfolded)
            self._unfolded = None
        self.header.show_numbers(self.outline, rows)
        typed = self.field.text().strip()
        none = f"Nothing found for “{typed}”." if typed else "Each version of the text appears here as a branch."
        self.show_none("" if rows.by_id else none)
        self._commands.refresh("branches.compare")

    def _select_found(self) -> None:
        """Selects the first row that was found, unless the current one was."""
        rows = self.model.rows.by_id
        current = self.model.row_at(self.tree.currentIndex())
        first = next((id for id, row in rows.items() if row.found), None)
        if first is not None and (current is None or not current.found):
            self._select(first)

    def _select(self, id: int | None) -> None:
        index = self.model.index_of(id)
        if index.isValid():
            self.tree.selectionModel().setCurrentIndex(index, _SELECT.ClearAndSelect)
            self.tree.scrollTo(index)

    # Folding

    def _unfold_first(self) -> None:
        """Unfolds a document that was opened: all rows where they are few, else the text that is shown."""
        if len(self.model.rows.by_id) <= _FEW:
            self.tree.expandAll()
        else:
            self.tree.collapseAll()
        self.unfold_shown()

    def unfold_all(self) -> None:
        """Unfolds all rows."""
        self.tree.expandAll()

    def fold_all(self) -> None:
        """Folds all rows."""
        self.tree.collapseAll()

    def unfold_shown(self, *, select: bool = True) -> None:
        """Unfolds what hides the row with which the shown text ends, and selects it."""
        index = self.model.index_of(self.outline.leaf)
        above = index.parent()
        while above.isValid():
            self.tree.expand(above)
            above = above.parent()
        if select:
            self._select(self.outline.leaf)

    def _open_rows(self) -> set[int]:
        return {id for id in self.model.rows.by_id if self.tree.isExpanded(self.model.index_of(id))}

    def _restore_open_rows(self, ids: set[int]) -> None:
        current = self.tree.currentIndex()
        self.tree.collapseAll()
        for id in ids:
            self.tree.expand(self.model.index_of(id))
        above = current.parent()
        while above.isValid():
            self.tree.expand(above)
            above = above.parent()
        self.tree.scrollTo(current)

    # Menus and keys

    def row_menu(self) -> Menu:
        menu = Menu(self)
        ACTIONS.fill_menu(menu, self._branches, self.selected, self.edit_name)
        return menu

    def act(self, key: str) -> None:
        self._searching.flush()
        ACTIONS.run_key(key, self._branches, self.selected, self.edit_name)
