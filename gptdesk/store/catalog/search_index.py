"""Full-text index of the documents (SQLite's FTS5): brought up to date in small steps, and searched.

A document's row in ``indexed`` says of which state of it the index knows; every other document is stale.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from typing import Final

import msgspec

from gptdesk.store.catalog.entry import IS_TRASHED
from gptdesk.store.document import Document
from gptdesk.store.raw_rows import RawDocument, read_nodes
from gptdesk.store.recovery import restore, to_title

FIRST, LAST = "\x02", "\x03"
"""Around each word of a snippet that matches."""

MOST_MATCHES: Final = 200
"""Documents that a search finds at most, the best matches."""

_STEP_SECONDS: Final = 0.02
"""Longest time that one step holds the database, apart from the last document of it."""

_LONGEST: Final = 8_000_000
"""Characters of a document that are indexed."""

_SNIPPET_WORDS: Final = 16
_SHORTEST: Final = 2
"""Letters that the longest word must have."""

_RANKED_FROM: Final = 3
"""Letters of the longest word from which on matches are ranked; of shorter ones the newest are found."""


class Match(msgspec.Struct, frozen=True):
    """A document that a search found.

    Attributes:
        id: of the document.
        snippet: a line of its text with the words that match between `FIRST` and `LAST`; "" where only the title does.
    """

    id: str
    snippet: str


def stale_ids(db: sqlite3.Connection) -> list[str]:
    """The documents of whose present state the index does not know, last changed last.

    Raises:
        sqlite3.Error: when they cannot be read.
    """
    stale = db.execute(
        "select d.id from documents d left join indexed i on i.document = d.id "
        "where i.document is null or i.modified is not d.modified order by d.modified"
    )
    return [id for (id,) in stale if isinstance(id, str)]


def update_index(db: sqlite3.Connection, stale: list[str]) -> None:
    """Indexes documents for some milliseconds and removes them from the end of ``stale``; within a transaction.

    Raises:
        sqlite3.Error: when the index cannot be written.
    """
    until = time.monotonic() + _STEP_SECONDS
    while stale and time.monotonic() < until:
        _index(db, stale[-1])
        stale.pop()


def forget(db: sqlite3.Connection, id: str) -> None:
    """Makes a document stale.

    Raises:
        sqlite3.Error: when the index cannot be written.
    """
    db.execute("delete from indexed where document = ?", (id,))


def find(db: sqlite3.Connection, words: Sequence[str], *, trashed: bool) -> list[Match]:
    """The documents whose title and text have words that begin with each of ``words``, best match first.

    Nothing is found for single letters, with which some word of nearly every document begins.

    Raises:
        sqlite3.Error: when the index cannot be read.
    """
    if max(map(len, words), default=0) < _SHORTEST:
        return []
    query = " ".join('"' + word.replace('"', '""').replace("\0", "") + '"*' for word in words)
    # Many words begin with few letters: what is found of them is not worth ranking, which takes long.
    order = "rank" if max(map(len, words), default=0) >= _RANKED_FROM else "search.rowid desc"
    found = db.execute(
        f"select i.document, snippet(search, 1, ?, ?, '…', {_SNIPPET_WORDS}) from search "
        "join indexed i on i.number = search.rowid join documents d on d.id = i.document "
        f"where search match ? and {IS_TRASHED} = ? order by {order} limit ?",
        (FIRST, LAST, query, int(trashed), MOST_MATCHES),
    )
    return [
        Match(id, " ".join(text.split()) if isinstance(text, str) and FIRST in text else "")
        for id, text in found
        if isinstance(id, str)
    ]


def _index(db: sqlite3.Connection, id: str) -> None:
    forget(db, id)
    query = "select modified, coalesce(own_title, title) from documents where id = ?"
    found = db.execute(query, (id,)).fetchone()
    if found is None:
        return
    number = db.execute("insert into indexed (document, modified) values (?, ?)", (id, found[0])).lastrowid
    values = number, to_title(found[1]), _text_of(db, id)
    db.execute("insert into search (rowid, title, text) values (?, ?, ?)", values)


def _text_of(db: sqlite3.Connection, id: str) -> str:
    """The text of a document as it opens, damaged or not."""
    row, nodes = read_nodes(db, id)
    snapshot = restore(id, RawDocument(row, nodes, [])).snapshot
    return Document(snapshot).mixed.spelled[:_LONGEST]
