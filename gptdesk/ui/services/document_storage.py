"""Saves documents to the database while they are edited, in a thread of its own."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Signal

from gptdesk.errors import UserError
from gptdesk.store.database import Database, DocumentSummary, OpenedDocument
from gptdesk.store.document import Snapshot
from gptdesk.store.opening import open_or_replace
from gptdesk.ui.services.background import TaskQueue

_END_MS: Final = 30_000
"""How long a disk may take for one document."""


class _Writer:
    """Writes the newest snapshot of each document; snapshots that a newer one replaced are never written."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._waiting: dict[str, Snapshot] = {}

    def put(self, snapshot: Snapshot) -> None:
        """Queues a snapshot; for any thread."""
        with self._lock:
            self._waiting[snapshot.id] = snapshot

    def write(self) -> list[str]:
        """Writes everything that is queued; for any thread.

        Returns:
            For each document written an empty string, or a sentence saying why it was not: it stays queued.
        """
        with self._writing:
            with self._lock:
                waiting, self._waiting = self._waiting, {}
            return [self._write(snapshot) for snapshot in waiting.values()]

    def _write(self, snapshot: Snapshot) -> str:
        try:
            self._database.save(snapshot)
        except UserError as error:
            with self._lock:
                self._waiting.setdefault(snapshot.id, snapshot)
            return str(error)
        return ""


class DocumentStorage(QObject):
    """All documents on this computer.

    Attributes:
        problems: a sentence for everything that went wrong when the database was opened.

    Signals:
        saved(): a document's newest state is on disk.
        failed(str): it is not; the sentence says why. It is tried again with the next change.
    """

    saved = Signal()
    failed = Signal(str)

    def __init__(self, path: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._database, self.problems = open_or_replace(path)
        self._writer = _Writer(self._database)
        self._queue = TaskQueue("storage", self)

    def save(self, snapshot: Snapshot) -> None:
        """Writes the document as soon as possible."""
        self._writer.put(snapshot)
        self._queue.run(self._writer.write, self._on_written)

    def load(self, id: str) -> Snapshot | None:
        """Loads a document as it was last saved, or its sound parts.

        Raises:
            UserError: when it cannot be read.
        """
        self._writer.write()
        return self._database.load(id)

    def open(self, id: str) -> OpenedDocument | None:
        """Loads a document, with a sentence about its damaged parts.

        Raises:
            UserError: when it cannot be read.
        """
        self._writer.write()
        return self._database.open(id)

    def export_raw(self, id: str) -> bytes | None:
        """Everything stored of a document, damaged or not, as JSON.

        Raises:
            UserError: when it cannot be read.
        """
        self._writer.write()
        return self._database.export_raw(id)

    def discard_damaged(self, id: str) -> None:
        """Deletes the damaged parts of a document; the sound parts stay.

        Raises:
            UserError: when that cannot be written.
        """
        self._writer.write()
        self._database.discard_damaged(id)

    def entries(self) -> list[DocumentSummary]:
        """All documents, last changed first.

        Raises:
            UserError: when they cannot be read.
        """
        self._writer.write()
        return self._database.entries()

    def rename(self, id: str, title: str | None) -> None:
        """Sets the title of a document that is not open; ``None`` makes the beginning of its text the title again.

        Raises:
            UserError: when the disk is full or may not be written.
        """
        self._writer.write()  # or an older state would overwrite the title
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
        """Ends the thread and writes what is still queued."""
        self._queue.shut_down(_END_MS)
        self._writer.write()
        self._database.close()

    def _on_written(self, problems: list[str]) -> None:
        for problem in problems:
            if problem:
                self.failed.emit(problem)
            else:
                self.saved.emit()
