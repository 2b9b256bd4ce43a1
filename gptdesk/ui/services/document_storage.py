"""Keeps documents on disk while they are being written, in a thread of its own."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Signal, Slot

from gptdesk.errors import UserError
from gptdesk.store.database import Database, Entry, OpenedDocument
from gptdesk.store.document import Snapshot
from gptdesk.store.opening import open_or_replace
from gptdesk.ui.services.worker_thread import WorkerThread

_END_MS: Final = 30_000
"""How long a disk may take for one document."""


class _Writer(QObject):
    """Writes the newest snapshot that there is; those that came in between are part of it.

    Signals:
        ended(str): a document was written; a sentence when it was not.
    """

    ended = Signal(str)

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._waiting: dict[str, Snapshot] = {}

    def put(self, snapshot: Snapshot) -> None:
        """For any thread."""
        with self._lock:
            self._waiting[snapshot.id] = snapshot

    @Slot()
    def write(self) -> None:
        """Everything that waits is on disk afterwards, or was refused; for any thread."""
        with self._writing:
            self._write()

    def _write(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        for snapshot in waiting.values():
            problem = ""
            try:
                self._database.save(snapshot)
            except UserError as error:
                problem = str(error)
                with self._lock:
                    self._waiting.setdefault(snapshot.id, snapshot)
            self.ended.emit(problem)


class DocumentStorage(QObject):
    """All documents of a person.

    Attributes:
        problems: a sentence for everything that went wrong when the file was opened.

    Signals:
        saved(): the newest state is on disk.
        failed(str): it is not; the sentence says why. It is tried again with the next change.
    """

    saved = Signal()
    failed = Signal(str)

    _write = Signal()

    def __init__(self, path: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._database, self.problems = open_or_replace(path)
        self._writer = _Writer(self._database)
        self._thread = WorkerThread(self._writer, "storage", self)
        self._write.connect(self._writer.write)
        self._writer.ended.connect(self._on_ended)
        self._thread.start()

    def save(self, snapshot: Snapshot) -> None:
        """Writes the document as soon as may be."""
        self._writer.put(snapshot)
        self._write.emit()

    def load(self, id: str) -> Snapshot | None:
        """The document of that id as it was last saved, or what is sound of it.

        Raises:
            UserError: when it cannot be read.
        """
        self._writer.write()
        return self._database.load(id)

    def open(self, id: str) -> OpenedDocument | None:
        """As `load`, with a sentence about what is damaged of it.

        Raises:
            UserError: when it cannot be read.
        """
        self._writer.write()
        return self._database.open(id)

    def export_raw(self, id: str) -> bytes | None:
        """All that is on disk of a document, damaged or not, as JSON.

        Raises:
            UserError: when it cannot be read.
        """
        self._writer.write()
        return self._database.export_raw(id)

    def discard_damaged(self, id: str) -> None:
        """Gives up what is damaged of a document; what is sound of it stays.

        Raises:
            UserError: when that cannot be written.
        """
        self._writer.write()
        self._database.discard_damaged(id)

    def entries(self) -> list[Entry]:
        """All documents, the one that was changed last first.

        Raises:
            UserError: when they cannot be read.
        """
        self._writer.write()
        return self._database.entries()

    def rename(self, id: str, title: str | None) -> None:
        """Gives a document that is not at hand a title; ``None`` lets its text be its title again.

        Raises:
            UserError: when the disk is full or may not be written.
        """
        self._writer.write()  # or an older state would take the title back
        self._database.rename(id, title)

    def delete(self, id: str) -> None:
        """Deletes a document; `bring_back` undoes it until gptdesk ends.

        Raises:
            UserError: when the disk is full or may not be written.
        """
        self._writer.write()
        self._database.hide(id)

    def bring_back(self, id: str) -> None:
        """Undoes `delete`.

        Raises:
            UserError: when the disk is full or may not be written.
        """
        self._database.bring_back(id)

    def close(self) -> None:
        """Ends the thread and writes what is still waiting."""
        self._thread.end(_END_MS)
        self._writer.write()
        self._database.close()

    @Slot(str)
    def _on_ended(self, problem: str) -> None:
        if problem:
            self.failed.emit(problem)
        else:
            self.saved.emit()
