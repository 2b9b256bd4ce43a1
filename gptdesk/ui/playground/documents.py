"""Operations on whole documents: create, open, rename, delete, open from files, save as files."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtWidgets import QFileDialog, QWidget

from gptdesk.errors import UserError
from gptdesk.store.database import DocumentSummary
from gptdesk.store.document import Document, check_title
from gptdesk.ui.file_names import file_name
from gptdesk.ui.playground.document_opening import Opening, open_document
from gptdesk.ui.playground.session import Session
from gptdesk.ui.services.background import TaskQueue
from gptdesk.ui.services.messages import Offer
from gptdesk.ui.services.services import DocumentService, MessageService, SettingsService
from gptdesk.ui.widgets.name_dialog import NameDialog
from gptdesk.ui.widgets.question import Question

if TYPE_CHECKING:
    from gptdesk.training.data.text_files import TextFile

TEXT_SUFFIXES: Final = (".txt", ".md", ".markdown", ".text")
"""Of files that are opened as documents without a question."""

_OPENED: Final = f"Text and Markdown ({' '.join(f'*{suffix}' for suffix in TEXT_SUFFIXES)});;All files (*)"
_MOST_FILES: Final = 50
"""Files opened at once at most; a thousand dropped files are probably meant as training data."""

_SAVE: Final = "save document"
_OPEN: Final = "open file"
_END_MS: Final = 15_000


class Documents(QObject):
    """Operations on documents, for menus and shortcuts.

    Args:
        window: parent of dialogs.
        page: id of the page on which messages about documents are shown.

    Signals:
        wanted(): show the Playground.
    """

    wanted = Signal()

    def __init__(
        self,
        storage: DocumentService,
        session: Session,
        settings: SettingsService,
        messages: MessageService,
        window: QWidget,
        page: str,
    ) -> None:
        super().__init__(window)
        self._storage, self._session, self._settings = storage, session, settings
        self._messages, self._window, self._page = messages, window, page
        self._files = TaskQueue("files", self)
        self._files.failed.connect(self._on_open_failed)

    def close(self) -> bool:
        """Ends the thread that reads files; returns whether it ended in time."""
        return self._files.shut_down(_END_MS)

    # All documents

    @property
    def current_id(self) -> str:
        """Id of the open document."""
        return self._session.document.id

    def entries(self) -> list[DocumentSummary]:
        """All documents, last changed first. If they cannot be read, a banner says so and the list is empty."""
        self._session.flush()
        try:
            return self._storage.entries()
        except UserError as error:
            self._messages.show(str(error), topic="documents")
            return []

    @Slot(str)
    def open(self, id: str) -> None:
        """Opens the document of that id."""
        self._session.flush()
        if id != self.current_id:
            opening = open_document(self._storage, id)
            if opening.document is not None:
                self._session.open(opening.document)
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
        self._session.open(document)
        self._tell(settings.document or "", opening)

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
        from gptdesk.ui.playground import export

        place = str(self._folder / "document.json")
        found, _ = QFileDialog.getSaveFileName(self._window, "Export everything", place, "JSON (*.json)")
        if not found:
            return
        try:
            export.save_bytes(self._storage.export_raw(id) or b"", Path(found))
        except UserError as error:
            self._messages.show(str(error), topic=_SAVE)
        else:
            self._messages.solve(_SAVE)
            self._messages.toast(f"Exported to {found}.")

    def _discard_damaged(self, id: str) -> None:
        try:
            self._storage.discard_damaged(id)
        except UserError as error:
            self._messages.show(str(error), topic=_SAVE)
        else:
            self._messages.toast("The damaged parts of the document were discarded.")

    @Slot()
    def new(self) -> None:
        """Opens an empty document; the open one stays in the list."""
        if self._session.document.text or self._session.document.own_title:
            self._session.open(Document())
        self.wanted.emit()

    @Slot()
    def show_list(self) -> None:
        """Opens a dialog with all documents."""
        from gptdesk.ui.playground.document_list import DocumentList

        DocumentList(self, self._window).open()

    # One document

    @Slot()
    def ask_name(self) -> None:
        """Asks for a title of the open document."""
        document = self._session.document
        dialog = NameDialog("Rename", document.title if document.text else "", check_title, self._window)
        dialog.named.connect(partial(self.rename, document.id))
        dialog.open()

    def rename(self, id: str, title: str) -> None:
        """Sets the title of a document."""
        if id == self.current_id:
            self._session.rename(title)
            return
        try:
            self._storage.rename(id, title)
        except UserError as error:
            self._messages.show(str(error), topic="documents")

    def delete(self, id: str) -> bool:
        """Deletes a document; if it is the open one, opens the next.

        Returns:
            Whether it was deleted; if not, a banner says why.
        """
        is_open = id == self.current_id
        try:
            if is_open:
                others = [entry.id for entry in self.entries() if entry.id != id]
                opening = open_document(self._storage, others[0]) if others else Opening()
                self._session.open(opening.document or Document())
                self._tell(others[0] if others else "", opening)
            self._storage.delete(id)
        except UserError as error:
            self._messages.show(str(error), topic="documents")
            return False
        return True

    def bring_back(self, id: str, *, open_it: bool = False) -> None:
        """Undoes `delete`."""
        try:
            self._storage.bring_back(id)
        except UserError as error:
            self._messages.show(str(error), topic="documents")
            return
        if open_it:
            self.open(id)

    @Slot()
    def delete_current(self) -> None:
        """Deletes the open document, and offers to undo that."""
        document = self._session.document
        if self.delete(document.id):
            undo = partial(self.bring_back, document.id, open_it=True)
            self._messages.toast(f"“{document.title}” is deleted.", offers=[("Undo", undo)])

    # Files

    @Slot()
    def ask_files(self) -> None:
        """Asks which files to open."""
        paths, _ = QFileDialog.getOpenFileNames(self._window, "Open text", str(self._folder), _OPENED)
        if paths:
            self.open_files([Path(path) for path in paths])

    @Slot(object)
    def open_files(self, paths: Sequence[Path]) -> None:
        """Opens each file as a new document; the last one stays open."""
        self._messages.solve(_OPEN)
        if len(paths) > _MOST_FILES:
            self._on_open_failed(
                f"{len(paths)} files are too many to open at once; open up to {_MOST_FILES}. To train on them, drop "
                "them on the Train page."
            )
            return
        for path in paths:
            self._files.run(partial(_read_file, path), self._on_read)

    def _on_read(self, file: TextFile) -> None:
        document = Document()
        document.replace(0, 0, file.text)
        document.own_title = file_name(file.path.stem)
        self._session.open(Document(document.snapshot()))  # so that undo does not remove the whole text
        self._session.save()
        self._settings.update(folder=str(file.path.parent))
        if file.damaged:
            self._on_open_failed(f"{file.path.name} contains bytes that are not text; they are shown as \ufffd.")
        elif file.encoding != "utf-8":
            self._messages.toast(f"{file.path.name} was read as {file.encoding}.", kind="info")
        self.wanted.emit()

    @Slot(str)
    def _on_open_failed(self, text: str) -> None:
        self._messages.show(text, kind="warn", topic=_OPEN, page=self._page)

    @Slot()
    def save(self) -> None:
        """Saves to the document's file; asks for one if it has none."""
        if self._session.document.file:
            self._write(Path(self._session.document.file))
        else:
            self.save_as()

    @Slot()
    def save_as(self) -> None:
        """Asks for a file and format, and saves there."""
        from gptdesk.ui.playground import export

        document = self._session.document
        place = Path(document.file) if document.file else self._folder / f"{file_name(document.title)}.txt"
        chosen = export.format_of(place).filter
        found, chosen = QFileDialog.getSaveFileName(
            self._window, "Save as", str(place), export.filters(), chosen, QFileDialog.Option.DontConfirmOverwrite
        )
        if not found:
            return
        path = export.with_suffix(Path(found), chosen, suggested=place)
        if path.exists() and str(path) != document.file:
            sentence = f"{path.name} already exists in {path.parent}. Its contents will be replaced by this document."
            question = Question(
                f"Replace {path.name}?",
                sentence,
                [("Replace", partial(self._write, path))],
                dangerous=True,
                parent=self._window,
            )
            question.open()
        else:
            self._write(path)

    def _write(self, path: Path) -> None:
        from gptdesk.ui.playground import export

        try:
            export.save(self._session.document, path)
        except UserError as error:
            offers = [("Save as…", self.save_as)]
            self._messages.show(str(error), topic=_SAVE, page=self._page, of_document=True, offers=offers)
            return
        own = export.format_of(path).own
        if own:
            self._session.set_file(str(path))
        self._settings.update(folder=str(path.parent))
        self._messages.solve(_SAVE)
        self._messages.toast(f"{'Saved as' if own else 'Exported to'} {path}.")

    @property
    def _folder(self) -> Path:
        """Folder of the last file, or the home folder."""
        folder = self._settings.value.folder
        return Path(folder) if folder and Path(folder).is_dir() else Path.home()


def _read_file(path: Path) -> TextFile:
    from gptdesk.training.data.text_files import read_text_file

    return read_text_file(path)
