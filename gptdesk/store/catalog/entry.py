"""An entry in the list of documents, and the query that reads all of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Set

import msgspec

from gptdesk.store.catalog.tags import read_tags
from gptdesk.store.checks import DAMAGED
from gptdesk.store.recovery import to_time, to_title

IS_TRASHED = "typeof(d.deleted) = 'real'"
"""Whether document ``d`` is in the trash."""


class DocumentSummary(msgspec.Struct, frozen=True):
    """An entry in the list of documents.

    Attributes:
        id: unique name of the document.
        title: in one line.
        modified: seconds since 1970; 0 where that is not known.
        damaged: whether parts of it cannot be read, or are set aside.
        created: as ``modified``.
        pinned: whether it stays at the top of the list.
        tags: sorted.
        trashed: when it was moved to the trash, as ``modified``; ``None`` when it is not there.
    """

    id: str
    title: str
    modified: float
    damaged: bool = False
    created: float = 0.0
    pinned: bool = False
    tags: tuple[str, ...] = ()
    trashed: float | None = None


def read_entries(
    db: sqlite3.Connection, known_damaged: Set[str], *, trashed: bool, most: int | None = None
) -> list[DocumentSummary]:
    """The documents in the trash or those that are not, last changed first.

    Args:
        known_damaged: ids of documents that proved damaged when they were opened.
        most: how many at most; ``None`` for all.

    Raises:
        sqlite3.Error: when they cannot be read.
    """
    query = (
        "select id, coalesce(own_title, title), modified, created, pinned is not null, "
        f"iif({IS_TRASHED}, deleted, null), {{}} from documents d "
        f"where {IS_TRASHED} = ? order by modified desc limit ?"
    )
    values = int(trashed), -1 if most is None else most
    try:
        found = db.execute(query.format(DAMAGED), values).fetchall()
    except (sqlite3.DatabaseError, UnicodeDecodeError):  # a page of somebody's nodes cannot be read
        found = db.execute(query.format(0), values).fetchall()
    tags = read_tags(db)
    return [
        DocumentSummary(
            id,
            to_title(title),
            to_time(modified) or 0.0,
            bool(damaged) or id in known_damaged,
            to_time(created) or 0.0,
            bool(pinned),
            tags.get(id, ()),
            (to_time(deleted) or 0.0) if trashed else None,
        )
        for id, title, modified, created, pinned, deleted, damaged in found
        if isinstance(id, str)
    ]
