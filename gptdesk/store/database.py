"""The documents' SQLite database: saves documents node by node as they change, and loads them."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path

from gptdesk.errors import UserError
from gptdesk.folders import ensure_folder
from gptdesk.store import rows
from gptdesk.store.backups.restoring import add_documents
from gptdesk.store.branches.nodes import Node
from gptdesk.store.catalog.catalog import Catalog
from gptdesk.store.catalog.entry import DocumentSummary
from gptdesk.store.checks import adopt_strays, check_tables, is_sound
from gptdesk.store.database_errors import Damaged, Newer, sentences
from gptdesk.store.migrations import SCHEMA, migrate, version_of
from gptdesk.store.raw_rows import decode, export, read_raw
from gptdesk.store.recovery import OpenedDocument, restore
from gptdesk.store.snapshot import Snapshot, is_empty

__all__ = ["Damaged", "Database", "DocumentSummary", "Newer", "OpenedDocument"]


class Database:
    """The file with all documents. Threads may share it; one works at a time.

    Args:
        path: the file, or ``None`` for one in memory.

    Attributes:
        catalog: the documents as a list.
        read_only: why documents can be read but not changed, one sentence; empty if they can be changed.
        was_damaged: whether it was begun anew because the file was damaged.

    Raises:
        UserError: when the file cannot be opened.
        Newer: when it was written by a newer gptdesk.
        Damaged: when it is not a database any more.
    """

    def __init__(self, path: Path | None) -> None:
        self._saved: dict[str, dict[int, Node]] = {}
        self._found_damaged: set[str] = set()
        self._lock = threading.RLock()
        self.read_only = ""
        self.was_damaged = False
        self.catalog = Catalog(self._reading, self._writing, self._changing, self._found_damaged)
        if path:
            ensure_folder(path.parent)
        with sentences(path):
            self._connection = sqlite3.connect(
                path or ":memory:", isolation_level=None, timeout=5, check_same_thread=False
            )
            self._connection.text_factory = decode
            try:
                self._prepare(path)
            except BaseException:
                self._connection.close()
                raise

    def close(self) -> None:
        self._connection.close()

    def save(self, snapshot: Snapshot) -> None:
        """Writes what has changed since the last time, in one transaction; an empty document is removed.

        What was damaged of a document, and is no part of the snapshot, is kept beside it. A read-only database keeps
        nothing: what a document's settings are set to meanwhile is not worth a message.

        Raises:
            UserError: when the disk is full or may not be written; what was saved before stays.
        """
        if self.read_only:
            return
        with self._writing() as db:
            before = self._saved.get(snapshot.id)
            if before is None or not self._exists(snapshot.id):
                before = self._sound_nodes(snapshot.id)
            if is_empty(snapshot) and not self._is_kept(snapshot.id):
                db.execute("delete from documents where id = ?", (snapshot.id,))
            else:
                self._write_document(snapshot, before)
            self.catalog.note_change(snapshot.id)
        self._saved = {snapshot.id: dict(snapshot.nodes)}

    def load(self, id: str) -> Snapshot | None:
        """The undamaged parts of a document; ``None`` when there is none of that id.

        Raises:
            UserError: when it cannot be read.
        """
        opened = self.open(id)
        return opened.snapshot if opened else None

    def open(self, id: str) -> OpenedDocument | None:
        """The document as it was last saved, or its undamaged parts; ``None`` when there is none of that id.

        Nothing is changed by it. When a damaged document is saved again, the rows as they were are kept beside it,
        until `discard_damaged`.

        Raises:
            UserError: when the file cannot be read.
        """
        with self._reading() as db:
            raw = read_raw(db, id)
            if raw is None:
                return None
            opened = restore(id, raw)
            if opened.problem:
                self._found_damaged.add(id)
            else:
                self._saved = {id: dict(opened.snapshot.nodes)}  # so that only changes are written
        return opened

    def export_raw(self, id: str) -> bytes | None:
        """All rows of a document as JSON, whatever is in them, with those that were set aside; ``None`` without one.

        Raises:
            UserError: when the file cannot be read.
        """
        with self._reading() as db:
            raw = read_raw(db, id)
            return None if raw is None else export(raw, self._set_aside_rows(id))

    def discard_damaged(self, id: str) -> None:
        """Deletes the damaged parts of a document and their copies; the undamaged parts stay.

        Raises:
            UserError: when the disk is full or may not be written.
        """
        with self._changing() as db:
            raw = read_raw(db, id)
            if raw is not None:
                snapshot = restore(id, raw).snapshot
                self._write_document(snapshot, self._sound_nodes(id))
                db.execute("delete from set_aside where document = ?", (id,))
                self.catalog.note_change(id)
                self._saved.pop(id, None)
        self._found_damaged.discard(id)

    def entries(self) -> list[DocumentSummary]:
        """All documents that are not in the trash, last changed first.

        Raises:
            UserError: when the file cannot be read.
        """
        return self.catalog.entries()

    def delete(self, id: str) -> None:
        """Deletes a document permanently, with its damaged copies.

        Raises:
            UserError: when the disk is full or may not be written.
        """
        with self._changing() as db:
            db.execute("delete from documents where id = ?", (id,))
        self._saved.pop(id, None)
        self._found_damaged.discard(id)

    def copy_from(self, path: Path) -> bool:
        """Copies the documents of a file that is only read into a database in memory; returns whether it could."""
        uri = f"{path.absolute().as_uri()}?immutable=1"
        with suppress(sqlite3.Error, UnicodeDecodeError), closing(sqlite3.connect(uri, uri=True)) as source:
            if 0 < version_of(source) <= SCHEMA:
                source.backup(self._connection)
                migrate(self._connection, None)
                check_tables(self._connection)
                return True
        return False

    def filling(self) -> AbstractContextManager[sqlite3.Connection]:
        """The connection within a transaction, to put rows of another file into a database in memory."""
        return self._writing()

    def add_from(self, backup: Path) -> int:
        """Adds the documents of a backup that are missing here, and as copies those that differ; returns how many.

        Raises:
            UserError: when the backup cannot be read, or the disk is full or may not be written.
        """
        source = Database(None)
        try:
            if not source.copy_from(backup) or not is_sound(source._connection):
                raise UserError(f"The backup {backup} is damaged or of a newer gptdesk; no document was added from it.")
            with source._reading() as theirs, self._changing() as ours:
                count = add_documents(theirs, ours)
        finally:
            source.close()
        self.catalog.forget_index()
        return count

    @property
    def path(self) -> Path | None:
        name = self._connection.execute("pragma database_list").fetchone()[2]
        return Path(name) if name else None

    def _prepare(self, path: Path | None) -> None:
        db = self._connection
        if version_of(db) > SCHEMA:
            raise Newer(
                f"The documents in {path} were written by a newer gptdesk; they can be read, copied and exported here, "
                "but not changed. Install the newer version to go on with them."
            )
        # A killed process loses nothing in WAL mode; a power cut may lose the last moments, never the file.
        db.execute("pragma journal_mode = wal")
        db.execute("pragma synchronous = normal")
        db.execute("pragma foreign_keys = on")
        migrate(db, path)
        check_tables(db)
        with self._transaction():
            adopt_strays(db)

    def _sound_nodes(self, id: str) -> dict[int, Node]:
        """The nodes in the file; none for a damaged document, whose rows are set aside first."""
        raw = read_raw(self._connection, id)
        if raw is None:
            return {}
        opened = restore(id, raw)
        if not opened.problem:
            return dict(opened.snapshot.nodes)
        values = json.dumps(raw.to_json(), ensure_ascii=False)
        self._connection.execute("insert into set_aside values (?, ?, ?)", (id, time.time(), values))
        self._connection.execute(
            "update documents set deleted = null where id = ? and typeof(deleted) <> 'real'", (id,)
        )
        self._connection.execute("delete from tokens where document = ?", (id,))
        self._connection.execute("delete from nodes where document = ?", (id,))
        return {}

    def _exists(self, id: str) -> bool:
        return self._connection.execute("select 1 from documents where id = ?", (id,)).fetchone() is not None

    def _is_kept(self, id: str) -> bool:
        """Whether a document stays in the list without text."""
        marks = (
            "select 1 from documents where id = ? and pinned is not null union select 1 from tags where document = ?"
        )
        return bool(self._set_aside_rows(id) or self._connection.execute(marks, (id, id)).fetchone())

    def _set_aside_rows(self, id: str) -> list[str]:
        found = self._connection.execute("select rows from set_aside where document = ?", (id,))
        return [text for (text,) in found]

    def _write_document(self, snapshot: Snapshot, before: dict[int, Node]) -> None:
        db = self._connection
        db.execute(
            "insert into documents (id, title, created, modified, leaf, own_title, decoding, file, chat_template) "
            "values (:id, :title, :created, :now, :leaf, :own_title, :decoding, :file, :chat_template) "
            "on conflict (id) do update "
            "set title = :title, created = :created, modified = :now, leaf = :leaf, own_title = :own_title, "
            "decoding = :decoding, file = :file, chat_template = :chat_template",
            {"now": time.time(), **rows.from_snapshot(snapshot)},
        )
        for id in before.keys() - snapshot.nodes.keys():
            db.execute("delete from nodes where document = ? and id = ?", (snapshot.id, id))
        for id, node in snapshot.nodes.items():
            if before.get(id) is not node and before.get(id) != node:
                self._write_node(snapshot.id, before.get(id), node)

    def _write_node(self, document: str, before: Node | None, node: Node) -> None:
        db = self._connection
        db.execute(
            "insert into nodes values (:document, :id, :parent, :text, :first, :origin, :bookmark) "
            "on conflict (document, id) do update "
            "set parent = :parent, text = :text, first = :first, origin = :origin, bookmark = :bookmark",
            {"document": document, **rows.from_node(node)},
        )
        old = before.run.tokens if before else ()
        for chunk in range(max(rows.chunks(old), rows.chunks(node.run.tokens))):
            tokens = rows.chunk(node.run.tokens, chunk)
            if tokens and tokens != rows.chunk(old, chunk):
                db.execute(
                    "insert or replace into tokens values (?, ?, ?, ?)",
                    (document, node.id, chunk, rows.from_tokens(tokens)),
                )
            elif not tokens:
                db.execute(
                    "delete from tokens where document = ? and node = ? and chunk = ?", (document, node.id, chunk)
                )

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, to this thread alone; errors become sentences."""
        with self._lock, sentences(self.path, "read"):
            yield self._connection

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """As `_reading`, within a transaction."""
        with self._lock, sentences(self.path), self._transaction() as db:
            yield db

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """As `_writing`, for what a person changes: refused where documents can only be read."""
        if self.read_only:
            raise UserError(self.read_only)
        with self._writing() as db:
            yield db

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._connection.execute("begin immediate")
        try:
            yield self._connection
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("rollback")
            raise
        self._connection.execute("commit")
