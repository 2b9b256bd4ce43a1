"""Reads files as documents, and saves the open document to files."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QFileDialog, QWidget

from gptdesk.errors import UserError
from gptdesk.store.document import Document
from gptdesk.store.snapshot import Snapshot
from gptdesk.ui.file_formats import with_suffix
from gptdesk.ui.file_names import file_name
from gptdesk.ui.playground.session import Session
from gptdesk.ui.services.background import TaskQueue
from gptdesk.ui.services.services import MessageService, SettingsService
from gptdesk.ui.widgets.question import Question

if TYPE_CHECKING:
    from gptdesk.training.data.text_files import TextFile

TEXT_SUFFIXES: Final = (".txt", ".md", ".markdown", ".text")
"""Of files that are opened as documents without a question."""

_OPENED: Final = (
    f"Text, Markdown and exported documents ({' '.join(f'*{suffix}' for suffix in (*TEXT_SUFFIXES, '.json'))});;"
    "All files (*)"
)
_MOST_FILES: Final = 50
"""Files opened at once at most; a thousand dropped files are probably meant as training data."""

_OPEN: Final = "open file"
_END_MS: Final = 15_000


class DocumentFiles(QObject):
    """Opens text files and exported documents, and saves the open document, for menus, shortcuts and drops.

    Args:
        window: parent of dialogs.
        page: id of the page on which messages about files are shown.

    Signals:
        wanted(): show the Playground.
    """

    wanted = Signal()

    def __init__(
        self, session: Session, settings: SettingsService, messages: MessageService, window: QWidget, page: str
    ) -> None:
        super().__init__(window)
        self._session, self._settings = session, settings
        self._messages, self._window, self._page = messages, window, page
        self._files = TaskQueue("files", self)
        self._files.failed.connect(self._on_open_failed)

    def close(self) -> bool:
        """Ends the thread that reads files; returns whether it ended in time."""
        return self._files.shut_down(_END_MS)

    @property
    def folder(self) -> Path:
        """Folder of the last file, or the home folder."""
        folder = self._settings.value.folder
        return Path(folder) if folder and Path(folder).is_dir() else Path.home()

    # Opening

    @Slot()
    def ask_files(self) -> None:
        """Asks which files to open."""
        paths, _ = QFileDialog.getOpenFileNames(self._window, "Open text", str(self.folder), _OPENED)
        if paths:
            self.open_files([Path(path) for path in paths])

    @Slot(object)
    def open_files(self, paths: Sequence[Path]) -> None:
        """Opens each file as a new document; the last one stays open."""
        self._messages.solve(_OPEN)
        if self._session.refuses():
            return
        if len(paths) > _MOST_FILES:
            self._on_open_failed(
                f"{len(paths)} files are too many to open at once; open up to {_MOST_FILES}. To train on them, drop "
                "them on the Train page."
            )
            return
        for path in paths:
            self._files.run(partial(_read_file, path), self._on_read)

    def _on_read(self, read: tuple[Path, TextFile | Snapshot]) -> None:
        path, file = read
        self._settings.update(folder=str(path.parent))
        if isinstance(file, Snapshot):
            self._session.open(Document(file))
            self._session.save()
        else:
            self._open_text(file)
        self.wanted.emit()

    def _open_text(self, file: TextFile) -> None:
        document = Document()
        document.replace(0, 0, file.text)
        document.own_title = file_name(file.path.stem)
        self._session.open(Document(document.snapshot()))  # so that undo does not remove the whole text
        self._session.save()
        if file.damaged:
            self._on_open_failed(f"{file.path.name} contains bytes that are not text; they are shown as \ufffd.")
        elif file.encoding != "utf-8":
            self._messages.toast(f"{file.path.name} was read as {file.encoding}.", kind="info")

    @Slot(str)
    def _on_open_failed(self, text: str) -> None:
        self._messages.show(text, kind="warn", topic=_OPEN, page=self._page)

    # Saving

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
        from gptdesk.ui.playground.documents import export

        document = self._session.document
        place = Path(document.file) if document.file else self.folder / f"{file_name(document.title)}.txt"
        chosen = export.format_of(place).filter
        found, chosen = QFileDialog.getSaveFileName(
            self._window, "Save as", str(place), export.filters(), chosen, QFileDialog.Option.DontConfirmOverwrite
        )
        if not found:
            return
        path = with_suffix(export.FORMATS, Path(found), chosen, suggested=place.suffix)
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
        from gptdesk.ui.playground.documents import export

        try:
            export.save(self._session.document, path)
        except UserError as error:
            offers = [("Save as…", self.save_as)]
            self._messages.show(str(error), topic=export.TOPIC, page=self._page, of_document=True, offers=offers)
            return
        own = export.format_of(path).own
        if own:
            self._session.set_file(str(path))
        self._settings.update(folder=str(path.parent))
        self._messages.solve(export.TOPIC)
        self._messages.toast(f"{'Saved as' if own else 'Exported to'} {path}.")


def _read_file(path: Path) -> tuple[Path, TextFile | Snapshot]:
    from gptdesk.store.export.json_reader import is_document_file, read_document
    from gptdesk.training.data.text_files import read_text_file

    return path, read_document(path) if is_document_file(path) else read_text_file(path)
