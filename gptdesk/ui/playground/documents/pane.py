"""The pane with all documents: search, order, rows, and the trash."""

from __future__ import annotations

import time
from typing import Final

from msgspec.structs import replace
from PySide6.QtCore import Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from gptdesk.store.catalog.entry import DocumentSummary
from gptdesk.ui.playground.documents.documents import Documents
from gptdesk.ui.playground.documents.list_model import DocumentListModel
from gptdesk.ui.playground.documents.listing import Query, arrange, order_of
from gptdesk.ui.playground.documents.pane_header import DocumentHeader
from gptdesk.ui.playground.documents.row_actions import ACTIONS
from gptdesk.ui.playground.documents.row_delegate import DocumentDelegate
from gptdesk.ui.playground.documents.search import DocumentSearch
from gptdesk.ui.playground.panes.pane import RowPane
from gptdesk.ui.playground.panes.row_view import RowView
from gptdesk.ui.playground.session import Session
from gptdesk.ui.services.page_messages import PageMessages
from gptdesk.ui.services.services import DocumentService, SettingsService
from gptdesk.ui.theme import Theme
from gptdesk.ui.throttle import Throttle
from gptdesk.ui.widgets.action_button import ActionButton
from gptdesk.ui.widgets.popup import Menu
from gptdesk.ui.window.commands.registry import Commands

_UPDATE_MS: Final = 500
"""Longest delay until the row of the open document shows a change of its text."""


class DocumentPane(RowPane):
    """All documents.

    Attributes:
        list: the rows.
        model: of the rows.
        search: reads documents and finds text.
    """

    def __init__(
        self,
        theme: Theme,
        documents: Documents,
        session: Session,
        storage: DocumentService,
        settings: SettingsService,
        messages: PageMessages,
        commands: Commands,
        parent: QWidget | None = None,
    ) -> None:
        rows, header = RowView("Documents", ACTIONS.keys), DocumentHeader(theme, commands)
        super().__init__(header, rows, parent)
        self.list, self.header = rows, header
        self._theme, self._documents, self._session, self._settings = theme, documents, session, settings
        self._storage = storage
        self._trashed = False
        self._waiting_key = ""
        self._follows_opened = True  # whether the open document is to be selected next
        self.search = DocumentSearch(storage, self)
        self.model = DocumentListModel(self)
        self.list.setIndentation(0)
        order = order_of(settings.value.documents_order)
        self._delegate = DocumentDelegate(theme, order, lambda: documents.current_id, self.list)
        self.list.setItemDelegate(self._delegate)
        self.list.setModel(self.model)
        self._updating = Throttle(self._update_open_one, _UPDATE_MS, self)
        self.empty_trash = ActionButton(commands.action("document.empty_trash"))
        self._lay_out()
        self._connect(settings, messages)
        self._show()

    def _lay_out(self) -> None:
        below = QHBoxLayout()
        below.setContentsMargins(12, 4, 12, 12)
        below.addWidget(self.empty_trash)
        below.addStretch(1)
        self.parts.addLayout(below)

    def _connect(self, settings: SettingsService, messages: PageMessages) -> None:
        self.field.textChanged.connect(self._find)
        self.header.order_chosen.connect(lambda key: settings.update(documents_order=key))
        self.header.trash_wanted.connect(self.show_trash)
        self.list.edited.connect(self._show)
        self.model.renamed.connect(self._documents.rename)
        self.search.answered.connect(self._show)
        self.search.failed.connect(messages.refuse)
        self._documents.changed.connect(self._refresh)
        self._session.opened.connect(self._on_opened)
        self._session.changed.connect(self._on_text_changed)
        settings.changed.connect(self._on_settings_changed)
        self._theme.changed.connect(self.list.viewport().update)

    # What is shown

    def show_trash(self, trashed: bool) -> None:
        """Shows the documents in the trash, or the others."""
        self._trashed = trashed
        self.field.clear()
        self._find()

    @property
    def selected(self) -> list[DocumentSummary]:
        """The selected documents from top to bottom."""
        places = sorted(index.row() for index in self.list.selectionModel().selectedIndexes())
        return [self.model.rows[place].entry for place in places]

    @Slot()
    def _find(self) -> None:
        self.search.find(Query.parse(self.field.text()), trashed=self._trashed)

    @Slot()
    def _refresh(self) -> None:
        if self.isVisible():
            self._session.flush()
            self.search.refresh()

    @Slot()
    def _show(self) -> None:
        if self.list.editing:  # shown once the title is given
            return
        search, order = self.search, order_of(self._settings.value.documents_order)
        chosen = [self._documents.current_id] if self._follows_opened else [entry.id for entry in self.selected]
        self._follows_opened = False
        rows = arrange(search.entries, search.query, search.snippets, order)
        self._delegate.order, self._delegate.with_snippets = order, bool(search.query.words)
        self.model.show_rows(rows)
        self.list.scheduleDelayedItemsLayout()  # rows are higher with snippets
        self._select(chosen)
        self._show_words(len(rows))
        key, self._waiting_key = self._waiting_key, ""
        if key:
            self.act(key)

    def _select(self, ids: list[str]) -> None:
        """Selects these rows where they were and are shown, or the first one in a search."""
        places = [index for index in map(self.model.place_of, ids) if index.isValid()]
        if not places and self.model.rows:
            places = [self.model.index(0)]
        selection = self.list.selectionModel()
        if {index.row() for index in selection.selectedIndexes()} == {index.row() for index in places}:
            return
        selection.clear()
        for index in places:
            selection.select(index, selection.SelectionFlag.Select)
        if places:
            selection.setCurrentIndex(places[0], selection.SelectionFlag.NoUpdate)
            self.list.scrollTo(places[0])

    def _show_words(self, count: int) -> None:
        typed = self.field.text().strip()
        self.header.show_list(self.search, self._delegate.order, count)
        none = "The trash is empty." if self._trashed else "There are no documents yet."
        if typed:
            none = f"Nothing found for “{typed}”."
        self.show_none("" if count else none)
        self.empty_trash.setVisible(self._trashed and count > 0)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._refresh()
        self._storage.update_index()

    @Slot()
    def _on_opened(self) -> None:
        self._follows_opened = True
        self.list.viewport().update()
        self._refresh()

    @Slot()
    def _on_text_changed(self) -> None:
        if self.isVisible():
            self._updating.request()

    def _update_open_one(self) -> None:
        """Shows the open document as it is now, without reading all of them."""
        document, entries = self._session.document, self.search.entries
        if self._trashed or not self.isVisible():
            return
        if not any(entry.id == document.id for entry in entries):
            self._refresh()
            return
        self.search.entries = [
            replace(entry, title=document.title, modified=time.time()) if entry.id == document.id else entry
            for entry in entries
        ]
        self._show()

    @Slot()
    def _on_settings_changed(self) -> None:
        if self._delegate.order is not order_of(self._settings.value.documents_order):
            self._show()

    # Menus and keys

    def row_menu(self) -> Menu:
        menu = Menu(self)
        ACTIONS.fill_menu(menu, self._documents, self.selected, self.edit_name)
        return menu

    def act(self, key: str) -> None:
        """Does what a key does to the selected rows, once these are the answer to what was typed."""
        if self.search.busy:
            self._waiting_key = key
            return
        ACTIONS.run_key(key, self._documents, self.selected, self.edit_name)

    def leave(self) -> None:
        """Esc: clears the search first, then leaves the trash, then the pane."""
        if self._trashed and not self.field.text():
            self.show_trash(False)
        else:
            super().leave()
