"""Opens the documents' database in any state; a damaged file is set aside and recovered as far as possible."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from gptdesk.errors import UserError
from gptdesk.store.database import Damaged, Database, Newer
from gptdesk.store.files import set_aside
from gptdesk.store.raw_rows import copy_raw, decode


def open_or_replace(path: Path) -> tuple[Database, list[str]]:
    """The documents in ``path``, and a sentence for everything that went wrong.

    A damaged file is set aside and a new one begun with those of its documents that can be read. Documents of a newer
    version can be read and not changed. Where no file can be written, documents live in memory until gptdesk ends,
    those of the file among them where it can be read.
    """
    try:
        return Database(path), []
    except Damaged as error:
        try:
            aside = _set_aside(path)
        except OSError:
            return Database(None), [str(error)]
        return _begin_anew(path, aside)
    except Newer as error:
        return _open_newer(path), [str(error)]
    except UserError as error:
        database = Database(None)
        database.copy_from(path)
        return database, [str(error)]


def _open_newer(path: Path) -> Database:
    """The documents of a file of a newer version, as far as its tables have what this version knows; read-only."""
    database = Database(None)
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as source:
        source.text_factory = decode
        with database.filling() as target:
            for id in _document_ids(source):
                with suppress(sqlite3.Error, UnicodeDecodeError):
                    copy_raw(source, target, id)
    database.read_only = (
        "These documents were written by a newer gptdesk and cannot be changed here; copy or export the text, or "
        "install the newer version."
    )
    return database


def _begin_anew(path: Path, aside: Path) -> tuple[Database, list[str]]:
    said = f"The file with your documents was damaged; it was set aside as {aside}, and a new one begun"
    try:
        count = _take_over(aside, path)
        database = Database(path)
        database.was_damaged = True
    except UserError as error:
        return Database(None), [f"{said}.", str(error)]
    if count:
        said += (
            " with the one document that could be read"
            if count == 1
            else f" with the {count} documents that could be read"
        )
    return database, [f"{said}."]


def _take_over(aside: Path, path: Path) -> int:
    """Copies the documents of a damaged file into a new one, and returns how many could be read."""
    Database(path).close()
    count = 0
    # The file's own journal is read with it, so that its last changes are not lost.
    with closing(sqlite3.connect(aside)) as source, closing(sqlite3.connect(path, isolation_level=None)) as target:
        source.text_factory = target.text_factory = decode
        for id in _document_ids(source):
            with suppress(sqlite3.Error, UnicodeDecodeError):
                target.execute("begin")
                copy_raw(source, target, id)
                target.execute("commit")
                count += 1
            if target.in_transaction:
                target.execute("rollback")
    return count


def _document_ids(source: sqlite3.Connection) -> list[str]:
    ids: dict[object, None] = {}
    for query in ("select id from documents", "select id from documents not indexed", "select document from nodes"):
        with suppress(sqlite3.Error, UnicodeDecodeError):
            for (id,) in source.execute(query):
                ids[id] = None
    return [id for id in ids if isinstance(id, str) and id]


def _set_aside(path: Path) -> Path:
    aside = set_aside(path)
    for suffix in ("-wal", "-shm"):
        beside = path.with_name(path.name + suffix)
        if beside.exists():
            beside.rename(aside.with_name(aside.name + suffix))
    return aside
