"""Changes of whole documents in the database: trash, pins, copies, and the reading position."""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections.abc import Iterable
from typing import Final

from gptdesk.store.raw_rows import NODE
from gptdesk.store.recovery import Place, to_title
from gptdesk.store.titles import LONGEST_TITLE

_COPY: Final = " (copy)"


def set_trashed(db: sqlite3.Connection, ids: Iterable[str], trashed: bool) -> None:
    """Moves documents to the trash, or back to the list.

    Raises:
        sqlite3.Error: when that cannot be written.
    """
    moment = time.time() if trashed else None
    db.executemany("update documents set deleted = ? where id = ?", [(moment, id) for id in ids])


def delete(db: sqlite3.Connection, ids: Iterable[str]) -> None:
    """Deletes documents that are in the trash permanently; others stay.

    Raises:
        sqlite3.Error: when that cannot be written.
    """
    db.executemany("delete from documents where id = ? and typeof(deleted) = 'real'", [(id,) for id in ids])


def pinned(db: sqlite3.Connection, ids: Iterable[str]) -> set[str]:
    """Those of the documents that are pinned.

    Raises:
        sqlite3.Error: when that cannot be read.
    """
    query = "select 1 from documents where id = ? and pinned is not null"
    return {id for id in ids if db.execute(query, (id,)).fetchone()}


def set_pinned(db: sqlite3.Connection, ids: Iterable[str], pinned: bool) -> None:
    """Pins documents to the top of the list, or unpins them.

    Raises:
        sqlite3.Error: when that cannot be written.
    """
    moment = time.time() if pinned else None
    db.executemany("update documents set pinned = ? where id = ?", [(moment, id) for id in ids])


def duplicate(db: sqlite3.Connection, id: str) -> str | None:
    """Copies a document with its branches, settings and tags, and returns the id of the copy; ``None`` without one.

    The copy has no file of its own, and a title that says what it is.

    Raises:
        sqlite3.Error: when it cannot be written.
    """
    row = db.execute("select coalesce(own_title, title) from documents where id = ?", (id,)).fetchone()
    if row is None:
        return None
    copy, now = uuid.uuid4().hex, time.time()
    title = to_title(row[0])[: LONGEST_TITLE - len(_COPY)] + _COPY
    db.execute(
        "insert into documents (id, title, created, modified, leaf, own_title, decoding, chat_template, caret, top) "
        "select ?, title, ?, ?, leaf, ?, decoding, chat_template, caret, top from documents where id = ?",
        (copy, now, now, title, id),
    )
    for table, columns in (("nodes", NODE), ("tokens", ("node", "chunk", "tokens"))):
        names = ", ".join(columns)
        db.execute(
            f"insert into {table} (document, {names}) select ?, {names} from {table} where document = ? order by rowid",
            (copy, id),
        )
    db.execute("insert into tags select ?, tag from tags where document = ?", (copy, id))
    return copy


def set_place(db: sqlite3.Connection, id: str, place: Place) -> None:
    """Keeps where a person was reading; that is no change of the document.

    Raises:
        sqlite3.Error: when that cannot be written.
    """
    db.execute("update documents set caret = ?, top = ? where id = ?", (place.caret, place.top, id))
