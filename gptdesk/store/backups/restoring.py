"""Adds the documents of a backup to a database; nothing is overwritten."""

from __future__ import annotations

import hashlib
import sqlite3
from typing import Final

from gptdesk.store.raw_rows import RawDocument, copy_raw, read_nodes, read_raw
from gptdesk.store.recovery import to_title
from gptdesk.store.titles import LONGEST_TITLE

_FROM_BACKUP: Final = " (backup)"


def add_documents(source: sqlite3.Connection, target: sqlite3.Connection) -> int:
    """Adds the documents of ``source`` that ``target`` lacks, and as copies those that differ; returns how many.

    A copy that was added before, and is still there, is not added again, even where it was edited since.

    Args:
        source: a database of the newest version.
        target: the same, within a transaction.

    Raises:
        sqlite3.Error: when one cannot be read, or the other written.
    """
    added = 0
    ids = [id for (id,) in source.execute("select id from documents order by modified") if isinstance(id, str) and id]
    for id in ids:
        theirs, ours = read_raw(source, id), read_raw(target, id)
        if theirs is None or (ours is not None and (theirs.nodes, theirs.tokens) == (ours.nodes, ours.tokens)):
            continue
        new = id if ours is None else _id_of_copy(id, theirs)
        if ours is not None and read_nodes(target, new)[0]:
            continue
        copy_raw(source, target, id, new_id=new)
        if ours is not None:
            title, own_title = theirs.row[0], theirs.row[4]
            named = to_title(own_title or title)[: LONGEST_TITLE - len(_FROM_BACKUP)] + _FROM_BACKUP
            # Saved to the file of the other one, the copy would overwrite that.
            target.execute("update documents set own_title = ?, file = null where id = ?", (named, new))
        added += 1
    return added


def _id_of_copy(id: str, raw: RawDocument) -> str:
    """The id of the copy of a document, the same for the same contents."""
    return hashlib.sha256(repr((id, raw.nodes, raw.tokens)).encode("utf-8", "surrogatepass")).hexdigest()[:32]
