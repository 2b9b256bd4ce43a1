"""Finds damage in the documents' database: missing tables, orphaned rows, wrong types."""

from __future__ import annotations

import sqlite3
import uuid
from typing import Final

from gptdesk.store.raw_rows import DOCUMENT, NODE

_COLUMNS: Final = (
    f"select id, {', '.join(DOCUMENT)} from documents limit 0",
    f"select document, {', '.join(NODE)} from nodes limit 0",
    "select document, node, chunk, tokens from tokens limit 0",
    "select document, time, rows from set_aside limit 0",
    "select document, tag from tags limit 0",
    "select number, document, modified from indexed limit 0",
    "select title, text from search limit 0",
    "select count(*) from documents",
)

DAMAGED: Final = """
typeof(d.title) <> 'text' or typeof(d.created) <> 'real' or typeof(d.modified) <> 'real' or typeof(d.leaf) <> 'integer'
or typeof(d.own_title) not in ('null', 'text') or typeof(d.decoding) not in ('null', 'text')
or typeof(d.file) not in ('null', 'text') or typeof(d.deleted) not in ('null', 'real')
or typeof(d.chat_template) not in ('null', 'text')
or (d.leaf <> 0 and not exists (select 1 from nodes n where n.document = d.id and n.id = d.leaf))
or exists (select 1 from nodes n where n.document = d.id and (
    typeof(n.id) <> 'integer' or n.id < 1 or typeof(n.text) <> 'text' or typeof(n.first) <> 'integer'
    or typeof(n.parent) <> 'integer' or n.parent = n.id
    or (n.parent <> 0 and not exists (select 1 from nodes p where p.document = n.document and p.id = n.parent))
    or (n.origin is not null and n.origin not like '{%}') or typeof(n.bookmark) not in ('null', 'text')
))
or exists (select 1 from set_aside s where s.document = d.id)
"""
"""Whether document ``d`` is damaged, as far as that can be seen without reading its tokens."""


def check_tables(db: sqlite3.Connection) -> None:
    """Checks that all tables and columns exist.

    Raises:
        sqlite3.Error: when one is missing or cannot be read.
    """
    for query in _COLUMNS:
        db.execute(query).fetchone()


def is_sound(db: sqlite3.Connection) -> bool:
    """Whether SQLite's quick check finds no damage in the file."""
    try:
        return bool(db.execute("pragma quick_check(1)").fetchone() == ("ok",))
    except sqlite3.DatabaseError:
        return False


def adopt_strays(db: sqlite3.Connection) -> None:
    """Gives an id to documents without a valid one, and a document to orphaned nodes; within a transaction.

    Raises:
        sqlite3.Error: when the file cannot be read or written.
    """
    for table in ("documents", "nodes"):
        column = "id" if table == "documents" else "document"
        # What is no text, or no UTF-8, could not be asked for.
        for id, kind in db.execute(f"select distinct {column}, typeof({column}) from {table}").fetchall():
            if kind != "text" or not isinstance(id, str) or not id:
                _rename(db, kind, id)
    db.execute(
        "insert into documents (id, title, created, modified, leaf) select distinct document, '', 0, 0, -1 from nodes "
        "where document not in (select id from documents)"
    )


def _rename(db: sqlite3.Connection, kind: str, id: object) -> None:
    new = uuid.uuid4().hex
    same = "is cast(? as text)" if kind == "text" and isinstance(id, bytes) else "is ?"
    db.execute("pragma defer_foreign_keys = on")
    for table, column in (
        ("documents", "id"),
        ("nodes", "document"),
        ("tokens", "document"),
        ("set_aside", "document"),
        ("tags", "document"),
        ("indexed", "document"),
    ):
        db.execute(f"update or ignore {table} set {column} = ? where {column} {same}", (new, id))
