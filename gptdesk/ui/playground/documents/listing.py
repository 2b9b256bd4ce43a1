"""What the list of documents shows: filtered by words and tags, ordered, pinned ones first. Without Qt."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from gptdesk.store.catalog.entry import DocumentSummary


@lru_cache(maxsize=1 << 14)
def folded(text: str) -> str:
    """Text as titles are compared: without case and accents."""
    if text.isascii():
        return text.lower()
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


@dataclass(frozen=True)
class Order:
    """An order of the list.

    Attributes:
        title: in the menu.
        key: that documents are sorted by.
        descending: whether the largest key comes first.
        date: which of a document's dates its row shows.
    """

    title: str
    key: Callable[[DocumentSummary], Any]
    descending: bool
    date: Callable[[DocumentSummary], float]


ORDERS: Final = {
    "modified": Order("Last changed", lambda entry: entry.modified, True, lambda entry: entry.modified),
    "created": Order("Created", lambda entry: entry.created, True, lambda entry: entry.created),
    "title": Order("Title", lambda entry: folded(entry.title), False, lambda entry: entry.modified),
}
"""By their key in the settings; the first one is the default."""


def order_of(key: str) -> Order:
    """The order of that key, or the default."""
    return ORDERS.get(key) or next(iter(ORDERS.values()))


@dataclass(frozen=True)
class Query:
    """What a person typed in the search field.

    Attributes:
        words: that title or text must have.
        tags: beginnings of tags that the document must have.
    """

    words: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    @staticmethod
    def parse(text: str) -> Query:
        """Words that begin with ``#`` are tags."""
        words = text.split()
        return Query(
            tuple(word for word in words if not word.startswith("#")),
            tuple(word[1:].casefold() for word in words if len(word) > 1 and word.startswith("#")),
        )

    def __bool__(self) -> bool:
        return bool(self.words or self.tags)


@dataclass(frozen=True)
class Row:
    """A row of the list.

    Attributes:
        entry: the document.
        snippet: a line of its text with the words that match marked (`search_index`); "" for none.
    """

    entry: DocumentSummary
    snippet: str = ""


def arrange(entries: Iterable[DocumentSummary], query: Query, snippets: Mapping[str, str], order: Order) -> list[Row]:
    """The rows of the list.

    Args:
        snippets: those of the documents whose text matches, by id.
    """
    words = [folded(word) for word in query.words]

    def matches(entry: DocumentSummary) -> bool:
        for wanted in query.tags:
            if not any(tag.casefold().startswith(wanted) for tag in entry.tags):
                return False
        return entry.id in snippets or not words or _contains(entry.title, words)

    found = sorted(filter(matches, entries) if query else entries, key=order.key, reverse=order.descending)
    found.sort(key=lambda entry: not entry.pinned)
    return [Row(entry, snippets.get(entry.id, "")) for entry in found]


def _contains(title: str, words: list[str]) -> bool:
    title = folded(title)
    return all(word in title for word in words)
