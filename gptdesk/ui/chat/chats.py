"""The chats of this person: open, new, list, rename, trash. A tag tells them from other documents."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Final

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from gptdesk.chat.turns import ChatTurn, written
from gptdesk.errors import UserError
from gptdesk.store.catalog.catalog import Catalog
from gptdesk.store.catalog.entry import DocumentSummary
from gptdesk.store.document import Document
from gptdesk.store.titles import check_title
from gptdesk.ui.chat.session import ChatSession
from gptdesk.ui.services.document_opening import open_document
from gptdesk.ui.services.page_messages import PageMessages
from gptdesk.ui.services.services import DocumentService, SettingsService
from gptdesk.ui.widgets.input_dialogs.name_dialog import NameDialog

TAG: Final = "chat"
"""Of documents that were begun as chats."""


class Chats(QObject):
    """Operations on chats.

    Signals:
        wanted(): show the Chat page.
    """

    wanted = Signal()

    def __init__(
        self,
        storage: DocumentService,
        session: ChatSession,
        settings: SettingsService,
        messages: PageMessages,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._storage, self._session, self._settings = storage, session, settings
        self._messages, self._window = messages, window
        self._tagged: set[str] = set()
        session.changed.connect(self._tag)

    def open_last(self) -> None:
        """Opens the chat that was open when gptdesk was closed, or an empty one."""
        settings = self._settings.value
        document = open_document(self._storage, settings.chat).document if settings.chat else None
        if document is None:  # as in the Playground: settings chosen before there was a text are kept
            document = Document()
            document.decoding = settings.decoding
        self._session.open(document)

    @Slot(str)
    def open(self, id: str) -> None:
        """Opens the document of that id."""
        self._session.flush()
        self.wanted.emit()
        if id != self._session.document.id:
            opening = open_document(self._storage, id)
            if opening.document is not None:
                self._session.open(opening.document)
            if opening.problem:
                self._messages.refuse(opening.problem)

    @Slot()
    def new(self) -> None:
        """Opens an empty chat; the open one is kept."""
        if self._session.document.text or self._session.document.own_title:
            self._session.open(Document())
        self.wanted.emit()

    def open_turns(self, turns: list[ChatTurn]) -> None:
        """Opens a new chat with these turns."""
        document, mixed = Document(), written(turns)
        document.replace(0, 0, mixed.text, special=mixed.names)
        self._session.open(document)
        self._session.change(lambda: None)  # has it saved
        self.wanted.emit()

    def entries(self, most: int) -> list[DocumentSummary]:
        """The chats, last changed first."""
        self._session.flush()
        try:
            return [entry for entry in self._storage.entries() if TAG in entry.tags][:most]
        except UserError as error:
            self._messages.refuse(str(error))
            return []

    @Slot()
    def ask_name(self) -> None:
        """Asks for a title of the open chat."""
        dialog = NameDialog("Rename", self._session.document.own_title or "", check_title, self._window)
        dialog.named.connect(lambda title: self._session.set_title(title.strip() or None))
        dialog.open()

    @Slot()
    def delete(self) -> None:
        """Moves the open chat to the trash, and offers to undo that."""
        document = self._session.document
        id, title = document.id, document.title
        self._session.close()
        if self._try(lambda catalog: catalog.move_to_trash([id])):
            self._session.open(Document())
            undo = partial(self._restore, id)
            self._messages.messages.toast(f"“{title}” was moved to the trash.", offers=[("Undo", undo)])

    def _restore(self, id: str) -> None:
        if self._try(lambda catalog: catalog.restore([id])):
            self.open(id)

    def _try(self, work: object) -> bool:
        try:
            self._storage.change(work)  # type: ignore[arg-type]
        except UserError as error:
            self._messages.refuse(str(error))
            return False
        return True

    @Slot()
    def _tag(self) -> None:
        id = self._session.document.id
        if id not in self._tagged and self._session.turns and not self._storage.read_only:
            self._tagged.add(id)
            self._session.save()
            self._storage.run(partial(_add_tag, id), failed=lambda _: None)  # a full disk is told of by the storage


def _add_tag(id: str, catalog: Catalog) -> None:
    with suppress(UserError):
        tags = catalog.tags().get(id, ())
        if TAG not in tags:
            catalog.set_tags(id, (*tags, TAG))
