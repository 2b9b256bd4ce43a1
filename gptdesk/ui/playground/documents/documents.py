"""Operations on whole documents: create, open, rename, copy, pin, tag, move to the trash and restore."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtWidgets import QFileDialog, QWidget

from gptdesk.errors import UserError
from gptdesk.store.catalog.catalog import Catalog
from gptdesk.store.catalog.entry import DocumentSummary
from gptdesk.store.document import Document
from gptdesk.store.recovery import Place
from gptdesk.store.titles import check_title
from gptdesk.ui import number_format
from gptdesk.ui.playground.session import Session
from gptdesk.ui.services.document_opening import Opening, open_document
from gptdesk.ui.services.messages import Offer
from gptdesk.ui.services.services import DocumentService, MessageService, SettingsService
from gptdesk.ui.widgets.input_dialogs.name_dialog import NameDialog
from gptdesk.ui.widgets.question import Question

_TOPIC: Final = "documents"
"""Of messages about the list of documents."""


class Documents(QObject):
    """Operations on documents, for the list, menus and shortcuts.

    Args:
        window: parent of dialogs.
        page: id of the page on which messages about documents are shown.
        folder: returns the folder that a file dialog begins with.

    Signals:
        wanted(): show the Playground.
        changed(): emitted when the list of documents, or an entry of it, changed.
    """

    wanted = Signal()
    changed = Signal()

    def __init__(
        self,
        storage: DocumentService,
        session: Session,
        settings: SettingsService,
        messages: MessageService,
        window: QWidget,
        page: str,
        folder: Callable[[], Path],
    ) -> None:
        super().__init__(window)
        self._storage, self._session, self._settings = storage, session, settings
        self._messages, self._window, self._page, self._folder = messages, window, page, folder
        self._opened = Opening()
        storage.restored.connect(self.changed)

    # Reading and opening

    @property
    def current_id(self) -> str:
        """Id of the open document."""
        return self._session.document.id

    def entries(self, most: int | None = None) -> list[DocumentSummary]:
        """The documents that are not in the trash, last changed first.

        If they cannot be read, a banner says so and the list is empty.
        """
        self._session.flush()
        try:
            return self._storage.entries(most)
        except UserError as error:
            self._say(str(error))
            return []

    @Slot(str)
    def open(self, id: str) -> None:
        """Opens the document of that id."""
        self._session.flush()
        if id != self.current_id:
            opening = open_document(self._storage, id)
            if opening.document is not None:
                self._open(opening, opening.document)
            self._tell(id, opening)  # after messages about the former document were removed
        self.wanted.emit()

    def open_last(self) -> None:
        """Opens the document that was open when gptdesk was closed, or an empty one."""
        settings = self._settings.value
        opening = open_document(self._storage, settings.document) if settings.document else Opening()
        document = opening.document
        if document is None:  # decoding settings chosen before there was a text are kept
            document = Document()
            document.decoding = settings.decoding
        self._open(opening, document)
        self._tell(settings.document or "", opening)

    @Slot()
    def new(self) -> None:
        """Opens an empty document; the open one stays in the list."""
        if self._session.document.text or self._session.document.own_title:
            self._session.open(Document())
        self.wanted.emit()

    def _open(self, opening: Opening, document: Document) -> None:
        self._opened = opening
        self._session.open(document)

    @property
    def place(self) -> Place | None:
        """Where the person was reading in the open document when it was left; ``None`` if that is not known."""
        opened = self._opened
        return opened.place if opened.document is self._session.document else None

    def keep_place(self, place: Place) -> None:
        """Keeps where the person is reading in the open document, for the next time that it is opened."""
        with suppress(UserError):  # a disk that is full is told of when the text is saved
            self._storage.change(lambda catalog: catalog.set_place(self.current_id, place))

    def _tell(self, id: str, opening: Opening) -> None:
        """Shows what could not be read of a document, and offers to export it or to discard the damaged parts."""
        if opening.report:
            QTimer.singleShot(0, self, lambda: self._messages.crash(opening.report))  # once the crash report listens
        if opening.problem:
            offers: list[Offer] = [("Export everything…", partial(self._save_raw, id))]
            if opening.document:
                offers.append(("Discard damaged parts", partial(self._discard_damaged, id)))
            self._messages.show(
                opening.problem, kind="warn", topic="damaged", page=self._page, of_document=True, offers=offers
            )

    def _save_raw(self, id: str) -> None:
        """Asks for a file and writes everything stored of the document of that id to it, as JSON."""
        from gptdesk.ui.playground.documents import export

        place = str(self._folder() / "document.json")
        found, _ = QFileDialog.getSaveFileName(self._window, "Export everything", place, "JSON (*.json)")
        if not found:
            return
        try:
            export.save_bytes(self._storage.export_raw(id) or b"", Path(found))
        except UserError as error:
            self._messages.show(str(error), topic=export.TOPIC)
        else:
            self._messages.solve(export.TOPIC)
            self._messages.toast(f"Exported to {found}.")

    def _discard_damaged(self, id: str) -> None:
        try:
            self._storage.discard_damaged(id)
        except UserError as error:
            self._say(str(error))
        else:
            self._messages.toast("The damaged parts of the document were discarded.")
            self.changed.emit()

    # Titles, copies, pins, tags

    @Slot()
    def ask_name(self) -> None:
        """Asks for a title of the open document."""
        document = self._session.document
        dialog = NameDialog(
            "Rename", document.title.removesuffix("…") if document.text else "", check_title, self._window
        )
        dialog.named.connect(partial(self.rename, document.id))
        dialog.open()

    @Slot(str, str)
    def rename(self, id: str, title: str) -> None:
        """Sets the title of a document; an empty one makes the beginning of its text the title again."""
        title = title.strip()
        try:
            if title:
                check_title(title)
        except UserError as error:
            self._messages.refuse(str(error), self._page)
            return
        if id == self.current_id:
            self._session.rename(title or None)
            self.changed.emit()
        else:
            self._try(lambda catalog: catalog.rename(id, title or None))

    def duplicate(self, id: str) -> None:
        """Copies a document with its branches, and opens the copy."""
        self._session.flush()
        self._storage.run(lambda catalog: catalog.duplicate(id), self._on_duplicated, self._say)

    def _on_duplicated(self, copy: str | None) -> None:
        self.changed.emit()
        if copy is not None:
            self.open(copy)

    def toggle_pinned(self, ids: Sequence[str]) -> None:
        """Pins documents to the top of the list; unpins them if all of them are pinned."""
        self._session.flush()
        self._try(lambda catalog: catalog.set_pinned(ids, catalog.pinned(ids) < set(ids)))

    def ask_tags(self, id: str, title: str) -> None:
        """Asks for the tags of a document."""
        self._session.flush()
        self._storage.run(lambda catalog: catalog.tags(), partial(self._ask_tags, id, title), self._say)

    def _ask_tags(self, id: str, title: str, all_tags: Mapping[str, tuple[str, ...]]) -> None:
        from gptdesk.ui.playground.documents.tag_dialog import TagDialog

        known = sorted({tag for tags in all_tags.values() for tag in tags}, key=str.casefold)
        dialog = TagDialog(title, all_tags.get(id, ()), known, self._window)
        dialog.chosen.connect(lambda tags: self._try(lambda catalog: catalog.set_tags(id, tags)))
        dialog.open()

    def why_empty(self) -> str | None:
        """Why the open document cannot be copied, pinned or tagged; ``None`` if it can."""
        document = self._session.document
        return None if document.text or document.own_title else "The document is empty."

    @Slot()
    def duplicate_current(self) -> None:
        """Copies the open document, and opens the copy."""
        self.duplicate(self.current_id)

    @Slot()
    def toggle_current_pinned(self) -> None:
        """Pins the open document, or unpins it."""
        self.toggle_pinned([self.current_id])

    @Slot()
    def ask_current_tags(self) -> None:
        """Asks for the tags of the open document."""
        self.ask_tags(self.current_id, self._session.document.title)

    # The trash

    @Slot()
    def delete_current(self) -> None:
        """Moves the open document to the trash, and offers to undo that."""
        self.move_to_trash([self.current_id], self._session.document.title)

    def move_to_trash(self, ids: Sequence[str], title: str) -> None:
        """Moves documents to the trash, and offers to undo that; if one is open, opens the next of the others.

        Args:
            title: of the document where it is one.
        """
        if self._session.refuses():
            return
        current = self.current_id if self.current_id in ids else ""
        if current:
            others = [entry.id for entry in self.entries() if entry.id not in ids]
            opening = open_document(self._storage, others[0]) if others else Opening()
            self._open(opening, opening.document or Document())
            self._tell(others[0] if others else "", opening)
        if self._try(lambda catalog: catalog.move_to_trash(ids)):
            one = f"“{title}” was moved to the trash."
            many = f"{number_format.count(len(ids))} documents were moved to the trash."
            undo = partial(self.restore, ids, opened=current)
            self._messages.toast(one if len(ids) == 1 else many, offers=[("Undo", undo)])

    def restore(self, ids: Sequence[str], *, opened: str = "") -> None:
        """Brings documents back from the trash, and opens that of the id ``opened``."""
        if self._try(lambda catalog: catalog.restore(ids)) and opened:
            self.open(opened)

    def ask_to_delete(self, ids: Sequence[str], title: str) -> None:
        """Deletes documents in the trash permanently once the person has confirmed it.

        Args:
            title: of the document where it is one.
        """
        what = f"“{title}”" if len(ids) == 1 else number_format.counted(len(ids), "document")
        question = Question(
            f"Delete {what} permanently?",
            "Text, branches and settings are deleted from this computer. This cannot be undone.",
            [("Delete permanently", partial(self._delete_trashed, ids))],
            dangerous=True,
            parent=self._window,
        )
        question.open()

    @Slot()
    def ask_to_empty_trash(self) -> None:
        """Deletes all documents in the trash permanently once the person has confirmed it."""
        self._storage.run(lambda catalog: catalog.entries(trashed=True), self._ask_to_empty, self._say)

    def _ask_to_empty(self, trashed: list[DocumentSummary]) -> None:
        if trashed:
            self.ask_to_delete([entry.id for entry in trashed], trashed[0].title)
        else:
            self._messages.toast("The trash is empty.", kind="info")

    def _delete_trashed(self, ids: Sequence[str]) -> None:
        self._storage.run(lambda catalog: catalog.delete_trashed(ids), lambda _: self.changed.emit(), self._say)

    # Helpers

    def _try(self, work: Callable[[Catalog], object]) -> bool:
        """Changes the list; returns whether that was possible: if not, a banner says why."""
        try:
            self._storage.change(work)
        except UserError as error:
            self._say(str(error))
            return False
        self.changed.emit()
        return True

    def _say(self, sentence: str) -> None:
        self._messages.show(sentence, topic=_TOPIC)
