"""The documents of a database as a list: reads it, searches it and changes its entries; threads may share it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence, Set
from contextlib import AbstractContextManager
from typing import Final

from gptdesk.store.catalog import changes, search_index
from gptdesk.store.catalog.entry import DocumentSummary, read_entries
from gptdesk.store.catalog.search_index import Match
from gptdesk.store.catalog.tags import read_tags, write_tags
from gptdesk.store.recovery import Place

_DELETED_TOGETHER: Final = 20
"""Documents deleted in one transaction, so that other threads need not wait long."""

Access = Callable[[], AbstractContextManager[sqlite3.Connection]]


class Catalog:
    """The list of documents.

    Every method raises `UserError` when the file cannot be read, or the disk is full or may not be written.

    Args:
        reading: gives the connection, to this thread alone.
        writing: the same, within a transaction.
        changing: the same, for what a person changes; refused where documents can only be read.
        damaged: ids of documents that proved damaged when they were opened.
    """

    def __init__(self, reading: Access, writing: Access, changing: Access, damaged: Set[str]) -> None:
        self._reading, self._writing, self._changing, self._damaged = reading, writing, changing, damaged
        self._stale: list[str] | None = None  # ids that are to be indexed, the next one last; None: not known yet

    def entries(self, *, trashed: bool = False, most: int | None = None) -> list[DocumentSummary]:
        """The documents in the trash or those that are not, last changed first; ``most`` of them at most."""
        with self._reading() as db:
            return read_entries(db, self._damaged, trashed=trashed, most=most)

    def search(self, words: Sequence[str], *, trashed: bool = False) -> list[Match]:
        """The documents that have words that begin with each of ``words``; see `search_index.find`."""
        self.update_index()
        with self._reading() as db:
            return search_index.find(db, words, trashed=trashed)

    def note_change(self, id: str) -> None:
        """Has a document indexed again before the next search."""
        if self._stale is not None:
            self._stale = [*(other for other in self._stale if other != id), id]

    def forget_index(self) -> None:
        """Has all documents looked through again for those that changed: some were added."""
        with self._reading():
            self._stale = None

    def update_index(self) -> bool:
        """Indexes documents that changed, for some milliseconds; returns whether the index knows all of them."""
        with self._reading() as db:  # what another thread adds meanwhile waits
            if self._stale is None:
                self._stale = search_index.stale_ids(db)
            if self._stale:
                with self._writing():
                    search_index.update_index(db, self._stale)
            return not self._stale

    def rename(self, id: str, title: str | None) -> None:
        """Sets a title of the person's own; ``None`` removes it."""
        with self._changing() as db:
            db.execute("update documents set own_title = ? where id = ?", (title, id))
            search_index.forget(db, id)
            self.note_change(id)

    def move_to_trash(self, ids: Iterable[str]) -> None:
        """Moves documents to the trash, from which `restore` brings them back."""
        with self._changing() as db:
            changes.set_trashed(db, ids, True)

    def restore(self, ids: Iterable[str]) -> None:
        """Brings documents back from the trash."""
        with self._changing() as db:
            changes.set_trashed(db, ids, False)

    def delete_trashed(self, ids: Sequence[str]) -> None:
        """Deletes documents that are in the trash permanently, some at a time."""
        for start in range(0, len(ids), _DELETED_TOGETHER):
            with self._changing() as db:
                changes.delete(db, ids[start : start + _DELETED_TOGETHER])

    def pinned(self, ids: Iterable[str]) -> set[str]:
        """Those of the documents that are pinned."""
        with self._reading() as db:
            return changes.pinned(db, ids)

    def set_pinned(self, ids: Iterable[str], pinned: bool) -> None:
        """Pins documents to the top of the list, or unpins them."""
        with self._changing() as db:
            changes.set_pinned(db, ids, pinned)

    def tags(self) -> dict[str, tuple[str, ...]]:
        """The tags of all documents that have some, by id."""
        with self._reading() as db:
            return read_tags(db)

    def set_tags(self, id: str, tags: Iterable[str]) -> None:
        """Replaces the tags of a document."""
        with self._changing() as db:
            write_tags(db, id, tags)

    def duplicate(self, id: str) -> str | None:
        """Copies a document and returns the id of the copy; ``None`` when there is none of that id."""
        with self._changing() as db:
            copy = changes.duplicate(db, id)
            if copy is not None:
                self.note_change(copy)
            return copy

    def set_place(self, id: str, place: Place) -> None:
        """Keeps where the person was reading in a document."""
        with self._changing() as db:
            changes.set_place(db, id, place)
