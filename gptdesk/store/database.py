"""Documents in an SQLite file: saved as they change, node by node, and whole again after a crash."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gptdesk.folders import ensure_folder
from gptdesk.gpt2.errors import UserError
from gptdesk.store import rows
from gptdesk.store.document import Snapshot, is_empty
from gptdesk.store.files import set_aside
from gptdesk.store.tree import Node

SCHEMA: Final = 1
"""Version of the tables; a file of a newer one is left alone."""

_TABLES = """
create table documents (
    id text primary key, title text not null, created real not null, modified real not null, leaf integer not null
);
create table nodes (
    document text not null references documents(id) on delete cascade,
    id integer not null, parent integer not null, text text not null, first integer not null, origin text,
    primary key (document, id)
);
create table tokens (
    document text not null, node integer not null, chunk integer not null, tokens text not null,
    primary key (document, node, chunk),
    foreign key (document, node) references nodes(document, id) on delete cascade
);
create index documents_by_time on documents(modified);
"""


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
                "insert into documents values (:id, :title, :created, :now, :leaf) on conflict (id) do update set "
                "title = :title, modified = :now, leaf = :leaf",
                {
                    "id": snapshot.id,
                    "title": snapshot.title,
                    "created": snapshot.created,
                    "now": time.time(),
                    "leaf": snapshot.leaf,
                },
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
            row = self._connection.execute("select title, created, leaf from documents where id = ?", (id,)).fetchone()
            return Snapshot(id, row[0], row[1], self._read_nodes(id), row[2]) if row else None

    def recent(self, limit: int = 20) -> list[Entry]:
        """The documents that were changed last, newest first.

        Raises:
            UserError: when the file cannot be read.
        """
        with self._lock, _sentences(self.path):
            found = self._connection.execute(
                "select id, title, modified from documents order by modified desc limit ?", (limit,)
            )
            return [Entry(*row) for row in found]

    def delete(self, id: str) -> None:
        with self._lock, _sentences(self.path), self._transaction() as db:
            db.execute("delete from documents where id = ?", (id,))
        self._saved.pop(id, None)

    def copy_from(self, path: Path) -> None:
        """Takes over the documents of a file that can be read but not written; of one that cannot be read, nothing."""
        try:
            source = sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True)
        except sqlite3.Error:
            return
        with closing(source), suppress(sqlite3.Error):
            if source.execute("pragma user_version").fetchone()[0] == SCHEMA:
                source.backup(self._connection)

    @property
    def path(self) -> Path | None:
        name = self._connection.execute("pragma database_list").fetchone()[2]
        return Path(name) if name else None

    def _prepare(self, path: Path | None) -> None:
        db = self._connection
        version = db.execute("pragma user_version").fetchone()[0]
        if version > SCHEMA:
            raise UserError(
                f"The documents in {path} were written by a newer gptdesk; they are left alone. What you write now is "
                "not kept: save it as text, or install the newer version."
            )
        # A killed process loses nothing in WAL mode; a power cut may lose the last moments, never the file.
        db.execute("pragma journal_mode = wal")
        db.execute("pragma synchronous = normal")
        db.execute("pragma foreign_keys = on")
        if version < SCHEMA:
            with self._transaction():
                # Another thread of ours may have made them since the version was read.
                if db.execute("pragma user_version").fetchone()[0] < SCHEMA:
                    for statement in _TABLES.split(";"):
                        db.execute(statement)
                    db.execute(f"pragma user_version = {SCHEMA}")
        db.execute("select count(*) from documents").fetchone()

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
    except (sqlite3.DatabaseError, rows.NoRun) as error:
        raise Damaged(f"The file with your documents, {path}, is damaged ({error}).") from error
