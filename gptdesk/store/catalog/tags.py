"""Tags of documents: single words that a person gives."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final

from gptdesk.errors import UserError

MOST_TAGS: Final = 20
LONGEST_TAG: Final = 40


def parse_tags(text: str) -> tuple[str, ...]:
    """The tags in a line of words, sorted; spaces and commas separate them, a ``#`` before one is dropped.

    Tags that differ in case alone are one; the first spelling counts.

    Raises:
        UserError: when there are too many, or one is too long or not printable.
    """
    tags: dict[str, str] = {}
    for word in text.replace(",", " ").split():
        tag = word.lstrip("#")
        if len(tag) > LONGEST_TAG or not tag.isprintable():
            raise UserError(f"A tag is one word of at most {LONGEST_TAG} printable characters.")
        if tag:
            tags.setdefault(tag.casefold(), tag)
    if len(tags) > MOST_TAGS:
        raise UserError(f"A document may have at most {MOST_TAGS} tags.")
    return tuple(tags[key] for key in sorted(tags))


def read_tags(db: sqlite3.Connection) -> dict[str, tuple[str, ...]]:
    """The tags of all documents by document; rows that hold no tag are left out.

    Raises:
        sqlite3.Error: when they cannot be read.
    """
    found: dict[str, list[str]] = {}
    for document, tag in db.execute("select document, tag from tags order by document, tag collate nocase"):
        if isinstance(document, str) and _is_tag(tag) and len(found.setdefault(document, [])) < MOST_TAGS:
            found[document].append(tag)
    return {document: tuple(tags) for document, tags in found.items()}


def write_tags(db: sqlite3.Connection, document: str, tags: Iterable[str]) -> None:
    """Replaces the tags of a document.

    Raises:
        sqlite3.Error: when they cannot be written.
    """
    db.execute("delete from tags where document = ?", (document,))
    db.executemany("insert into tags values (?, ?)", [(document, tag) for tag in tags])


def shown_tags(tags: Sequence[str]) -> str:
    """Tags as a list shows them: ``#draft #poem``."""
    return " ".join(f"#{tag}" for tag in tags)


def _is_tag(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_TAG and value.isprintable() and len(value.split()) == 1
