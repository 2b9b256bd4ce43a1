"""Reads and searches the list of documents in the storage thread; only the newest question is answered."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QObject, Signal, Slot

from gptdesk.store.catalog.catalog import Catalog
from gptdesk.store.catalog.entry import DocumentSummary
from gptdesk.store.catalog.search_index import MOST_MATCHES, Match
from gptdesk.ui.playground.documents.listing import Query
from gptdesk.ui.services.services import DocumentService

_Answer = tuple[Sequence[DocumentSummary] | None, Sequence[Match]]


class DocumentSearch(QObject):
    """The entries of the list, and the documents whose text matches what was searched for.

    While a question is being answered, only the newest of those that come is kept.

    Attributes:
        trashed: whether the entries are those of the trash.
        query: what was searched for.
        entries: as last read; whoever changes a title replaces them.
        snippets: lines of the documents whose text matches, by id.

    Signals:
        answered(): emitted when ``entries`` and ``snippets`` are those of the newest question.
        failed(str): emitted when the documents cannot be read; the sentence says why.
    """

    answered = Signal()
    failed = Signal(str)

    def __init__(self, storage: DocumentService, parent: QObject) -> None:
        super().__init__(parent)
        self._storage = storage
        self._asking = self._asked_again = False
        self._is_stale = True
        self.trashed = False
        self.query = Query()
        self.entries: Sequence[DocumentSummary] = ()
        self.snippets: dict[str, str] = {}
        storage.indexed.connect(self._on_indexed)

    @property
    def busy(self) -> bool:
        """Whether an answer is to come."""
        return self._asking

    @property
    def limited(self) -> bool:
        """Whether there are more documents whose text matches than are found."""
        return len(self.snippets) >= MOST_MATCHES

    def find(self, query: Query, *, trashed: bool) -> None:
        """Searches the list or the trash."""
        self._is_stale |= trashed != self.trashed
        self.query, self.trashed = query, trashed
        self._ask()

    def refresh(self) -> None:
        """Reads the entries again."""
        self._is_stale = True
        self._ask()

    def _ask(self) -> None:
        if self._asking:
            self._asked_again = True
            return
        if not self._is_stale and not self.query.words:
            self.snippets = {}
            self.answered.emit()
            return
        self._asking = True
        question = partial(_answer, words=self.query.words, trashed=self.trashed, all_entries=self._is_stale)
        self._is_stale = False
        self._storage.run(question, self._on_answered, self._on_failed)

    def _on_answered(self, answer: _Answer) -> None:
        entries, matches = answer
        if entries is not None:
            self.entries = entries
        self.snippets = {match.id: match.snippet for match in matches}
        self._asking = False
        if self._asked_again:
            self._asked_again = False
            self._ask()
        else:
            self.answered.emit()

    def _on_failed(self, sentence: str) -> None:
        self._asking = self._asked_again = False
        self._is_stale = True
        self.failed.emit(sentence)

    @Slot()
    def _on_indexed(self) -> None:
        if self.query.words:
            self._ask()


def _answer(catalog: Catalog, *, words: Sequence[str], trashed: bool, all_entries: bool) -> _Answer:
    entries = catalog.entries(trashed=trashed) if all_entries else None
    return entries, catalog.search(words, trashed=trashed) if words else ()
