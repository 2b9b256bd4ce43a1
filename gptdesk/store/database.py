"""Documents in an SQLite file: saved as they change, node by node, and whole again after a crash."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from gptdesk.folders import ensure_folder
from gptdesk.gpt2.errors import UserError
from gptdesk.store import rows
from gptdesk.store.document import Snapshot, is_empty
from gptdesk.store.files import set_aside
from gptdesk.store.migrations import SCHEMA, migrate, version_of
from gptdesk.store.tree import Node


@dataclass(frozen=True)
class Entry:
    """A line of the list of documents; ``modified`` is in seconds since 1970."""

    id: str
    title: str
    modified: float


class Database:
    """The file with all documents, for one thread at a time: who comes second waits.

    Args:
        path: the file, or ``None`` for one in memory.

    Raises:
        UserError: when the file cannot be opened, or was written by a newer gptdesk.
        Damaged: when it is no database any more.
    """

    def __init__(self, path: Path | None) -> None:
        self._saved: dict[str, dict[int, Node]] = {}
        self._lock = threading.RLock()
        if path:
            ensure_folder(path.parent)
        with _sentences(path):
            self._connection = sqlite3.connect(
                path or ":memory:", isolation_level=None, timeout=5, check_same_thread=False
            )
            try:
                self._prepare(path)
            except BaseException:
                self._connection.close()
                raise

    def close(self) -> None:
        self._connection.close()

    def save(self, snapshot: Snapshot) -> None:
        """Writes what has changed since the last time, in one transaction; an empty document is removed.

        Raises:
            UserError: when the disk is full or may not be written; what was saved before stays.
        """
        if is_empty(snapshot):
            self.delete(snapshot.id)
            return
        before = self._saved.get(snapshot.id)
        with self._lock, _sentences(self.path), self._transaction() as db:
            if before is None:
                before = self._read_nodes(snapshot.id)
            db.execute(
                "insert into documents (id, title, created, modified, leaf, own_title, decoding, file) "
                "values (:id, :title, :created, :now, :leaf, :own_title, :decoding, :file) on conflict (id) do update "
                "set title = :title, modified = :now, leaf = :leaf, own_title = :own_title, decoding = :decoding, "
                "file = :file",
                {"now": time.time(), **rows.from_snapshot(snapshot)},
            )
            for id in before.keys() - snapshot.nodes.keys():
                db.execute("delete from nodes where document = ? and id = ?", (snapshot.id, id))
            for id, node in snapshot.nodes.items():
                if before.get(id) is not node:
                    self._write_node(snapshot.id, before.get(id), node)
        self._saved = {snapshot.id: dict(snapshot.nodes)}

    def load(self, id: str) -> Snapshot | None:
        """The document as it was last saved, or ``None`` when there is none of that id.

        Raises:
            UserError: when it cannot be read.
        """
        with self._lock, _sentences(self.path):
            row = self._connection.execute(
                "select title, created, leaf, own_title, decoding, file from documents where id = ?", (id,)
            ).fetchone()
            return rows.to_snapshot(id, row, self._read_nodes(id)) if row else None

    def entries(self) -> list[Entry]:
        """All documents, the one that was changed last first.

        Raises:
            UserError: when the file cannot be read.
        """
        with self._lock, _sentences(self.path):
            found = self._connection.execute(
                "select id, coalesce(own_title, title), modified from documents where deleted is null "
                "order by modified desc"
            )
            return [Entry(*row) for row in found]

    def rename(self, id: str, title: str | None) -> None:
        """Gives a document a title of the person's own; ``None`` takes it back.

        Raises:
            UserError: when the disk is full or may not be written.
        """
        self._change("update documents set own_title = ? where id = ?", title, id)

    def hide(self, id: str) -> None:
        """Deletes a document so that it can be brought back until the file is opened the next time.

        Raises:
            UserError: when the disk is full or may not be written.
        """
        self._change("update documents set deleted = ? where id = ?", time.time(), id)

    def bring_back(self, id: str) -> None:
        """Undoes `hide`.

        Raises:
            UserError: when the disk is full or may not be written.
        """
        self._change("update documents set deleted = null where id = ?", id)

    def delete(self, id: str) -> None:
        """Removes a document for good.

        Raises:
            UserError: when the disk is full or may not be written.
        """
        self._change("delete from documents where id = ?", id)
        self._saved.pop(id, None)

    def _change(self, statement: str, *values: object) -> None:
        with self._lock, _sentences(self.path), self._transaction() as db:
            db.execute(statement, values)

    def copy_from(self, path: Path) -> None:
        """Takes over the documents of a file that can be read but not written; of one that cannot be read, nothing.

        For a database in memory.
        """
        try:
            source = sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True)
        except sqlite3.Error:
            return
        with closing(source), suppress(sqlite3.Error):
            if 0 < version_of(source) <= SCHEMA:
                source.backup(self._connection)
                migrate(self._connection, None)

    @property
    def path(self) -> Path | None:
        name = self._connection.execute("pragma database_list").fetchone()[2]
        return Path(name) if name else None

    def _prepare(self, path: Path | None) -> None:
        db = self._connection
        if version_of(db) > SCHEMA:
            raise UserError(
                f"The documents in {path} were written by a newer gptdesk; they are left alone. What you write now is "
                "not kept: save it as text, or install the newer version."
            )
        # A killed process loses nothing in WAL mode; a power cut may lose the last moments, never the file.
        db.execute("pragma journal_mode = wal")
        db.execute("pragma synchronous = normal")
        db.execute("pragma foreign_keys = on")
        migrate(db, path)
        if db.execute("select count(*) from documents where deleted is not null").fetchone()[0]:
            self._change("delete from documents where deleted is not null")

    def _write_node(self, document: str, before: Node | None, node: Node) -> None:
        db = self._connection
        db.execute(
            "insert into nodes values (:document, :id, :parent, :text, :first, :origin) on conflict (document, id) "
            "do update set parent = :parent, text = :text, first = :first, origin = :origin",
            {"document": document, "id": node.id, "parent": node.parent, **rows.from_run(node.run)},
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

    def _read_nodes(self, document: str) -> dict[int, Node]:
        tokens: dict[int, list[str]] = {}
        for node, text in self._connection.execute(
            "select node, tokens from tokens where document = ? order by node, chunk", (document,)
        ):
            tokens.setdefault(node, []).append(text)
        found = self._connection.execute(
            "select id, parent, text, first, origin from nodes where document = ?", (document,)
        )
        return {
            id: Node(id, parent, rows.to_run(text, first, origin, tokens.get(id, ())))
            for id, parent, text, first, origin in found
        }

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


class Damaged(UserError):
    """The file is no database any more, or not one of ours."""


def open_or_replace(path: Path) -> tuple[Database, list[str]]:
    """The documents in ``path``, and a sentence for everything that went wrong.

    A damaged file is set aside and a new one begun. Where no file can be written, documents live in memory until
    gptdesk ends, those of the file among them where it can be read.
    """
    try:
        return Database(path), []
    except Damaged as error:
        try:
            aside = _set_aside(path)
        except OSError:
            return Database(None), [str(error)]
        database = Database(path)
        return database, [
            f"The file with your documents was damaged; it was set aside as {aside}, and a new one begun."
        ]
    except UserError as error:
        database = Database(None)
        database.copy_from(path)
        return database, [str(error)]


def _set_aside(path: Path) -> Path:
    aside = set_aside(path)
    for suffix in ("-wal", "-shm"):
        beside = path.with_name(path.name + suffix)
        if beside.exists():
            beside.rename(aside.with_name(aside.name + suffix))
    return aside


@contextmanager
def _sentences(path: Path | None) -> Iterator[None]:
    """Turns SQLite's errors into sentences."""
    try:
        yield
    except sqlite3.OperationalError as error:
        reason = "the disk is full" if "full" in str(error) else str(error)
        raise UserError(
            f"Your text cannot be saved to {path} ({reason}); it stays in this window. Free some space or make the "
            "folder writable, or save it as text elsewhere."
        ) from error
    except OSError as error:
        raise UserError(
            f"A copy of your documents cannot be made beside {path} ({error.strerror}), so they are left as they are. "
            "What you write now is not kept: free some space or make the folder writable, and start gptdesk again."
        ) from error
    except (sqlite3.DatabaseError, rows.NoRun) as error:
        raise Damaged(f"The file with your documents, {path}, is damaged ({error}).") from error
