"""Saves documents to the database while they are edited, in a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from PySide6.QtCore import QObject, Signal

from gptdesk.errors import UserError
from gptdesk.store.backups.copies import Backup, back_up, backups
from gptdesk.store.catalog.catalog import Catalog
from gptdesk.store.catalog.entry import DocumentSummary
from gptdesk.store.database import Database, OpenedDocument
from gptdesk.store.opening import open_or_replace
from gptdesk.store.snapshot import Snapshot
from gptdesk.ui.services.background import TaskQueue

T = TypeVar("T")
log = logging.getLogger(__name__)

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
        read_only: why documents can be read but not changed, one sentence; empty if they can be changed.
        backup: the newest copy of a database that was damaged; ``None`` if it was not, or there is no copy.

    Signals:
        saved(): a document's newest state is on disk.
        failed(str): it is not; the sentence says why. It is tried again with the next change.
        indexed(): the full-text index knows all documents.
        restored(): documents of a backup were added.
    """

    saved = Signal()
    failed = Signal(str)
    indexed = Signal()
    restored = Signal()

    def __init__(self, path: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._database, self.problems = open_or_replace(path)
        self.read_only = self._database.read_only
        self.backup = next(iter(backups(path)), None) if self._database.was_damaged else None
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

    def entries(self, most: int | None = None) -> list[DocumentSummary]:
        """The documents that are not in the trash, last changed first; ``most`` of them at most.

        Raises:
            UserError: when they cannot be read.
        """
        self._writer.write()
        return self._database.catalog.entries(most=most)

    def change(self, work: Callable[[Catalog], T]) -> T:
        """Changes the list of documents now, in this thread: for what writes a few rows.

        Raises:
            UserError: when the disk is full or may not be written.
        """
        self._writer.write()  # or an older state would overwrite the change
        return work(self._database.catalog)

    def run(
        self,
        work: Callable[[Catalog], T],
        done: Callable[[T], object] | None = None,
        failed: Callable[[str], object] | None = None,
    ) -> None:
        """Reads or changes the list of documents in the storage thread; ``failed`` gets a sentence."""

        def write_and_work() -> T:
            self._writer.write()
            return work(self._database.catalog)

        self._queue.run(write_and_work, done, failed)

    def restore_backup(self, backup: Backup, done: Callable[[int], object], failed: Callable[[str], object]) -> None:
        """Adds the documents of a backup in the storage thread; nothing is overwritten.

        Args:
            backup: the copy.
            done: gets the number of documents that were added.
            failed: gets a sentence.
        """

        def on_done(count: int) -> None:
            self.restored.emit()
            done(count)

        self._queue.run(partial(self._database.add_from, backup.path), on_done, failed)

    def back_up(self) -> None:
        """Copies the database in the storage thread, once a day."""
        path = self._database.path
        if path is not None and not self.problems:
            self._queue.run(partial(back_up, path), failed=lambda sentence: log.warning("%s", sentence))

    def update_index(self) -> None:
        """Brings the full-text index up to date in the storage thread, a few milliseconds at a time."""
        self._queue.run(self._database.catalog.update_index, self._on_index_updated)

    def _on_index_updated(self, complete: bool) -> None:
        if complete:
            self.indexed.emit()
        else:
            self.update_index()

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
