"""Reads, writes and exports the rows of one document without checking them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec

from gptdesk.bounded_read import LARGEST

Column = str | bytes | int | float | None
"""What SQLite keeps in any column, whatever type the table gives it; bytes are a blob, or text that is not UTF-8."""

_FORMAT: Final = 1

DOCUMENT: Final = (
    "title", "created", "modified", "leaf", "own_title", "decoding", "file", "deleted", "pinned", "caret", "top",
    "chat_template",
)  # fmt: skip
"""Columns of a document, of which the first four have been there since version 1."""

_FIRST: Final = 4

NODE: Final = ("id", "parent", "text", "first", "origin", "bookmark")
"""Columns of a node, of which the first five have been there since version 1."""

_FIRST_OF_NODE: Final = 5


class RawDocument(msgspec.Struct, frozen=True):
    """All rows of a document.

    Attributes:
        row: of the document, by `DOCUMENT`.
        nodes: each by `NODE`, in the order in which they were written.
        tokens: node, chunk and tokens of each row of tokens.
        tags: of the document.
    """

    row: tuple[Column, ...]
    nodes: list[tuple[Column, ...]]
    tokens: list[tuple[Column, ...]]
    tags: Sequence[Column] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "format": _FORMAT,
            "document": _named(DOCUMENT, self.row),
            "nodes": [_named(NODE, row) for row in self.nodes],
            "tokens": [_named(("node", "chunk", "tokens"), row) for row in self.tokens],
            "tags": [_plain(tag) for tag in self.tags],
        }


def decode(data: bytes) -> str | bytes:
    """Text out of the database; what is not UTF-8 stays bytes instead of failing the whole query."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data


def read_raw(db: sqlite3.Connection, id: str) -> RawDocument | None:
    """All rows of a document, or ``None`` when there is none of that id.

    Raises:
        sqlite3.Error: when they cannot be read.
    """
    row, nodes = read_nodes(db, id)
    if not row:
        return None
    # No row of ours is larger; one that is would fill the memory.
    tokens = db.execute(
        "select node, chunk, iif(length(tokens) <= ?, tokens, null) from tokens where document = ? "
        "order by node, chunk",
        (LARGEST, id),
    )
    tags = db.execute("select tag from tags where document = ?", (id,))
    return RawDocument(row, nodes, tokens.fetchall(), [tag for (tag,) in tags])


def read_nodes(db: sqlite3.Connection, id: str) -> tuple[tuple[Column, ...], list[tuple[Column, ...]]]:
    """The row of a document, as in `RawDocument`, and its nodes; an empty row when there is none of that id.

    Raises:
        sqlite3.Error: when they cannot be read.
    """
    row = db.execute(f"select {', '.join(DOCUMENT)} from documents where id = ?", (id,)).fetchone()
    nodes = db.execute(f"select {', '.join(NODE)} from nodes where document = ? order by rowid", (id,))
    return row or (), nodes.fetchall()


def copy_raw(source: sqlite3.Connection, target: sqlite3.Connection, id: str, *, new_id: str = "") -> None:
    """Copies a document's rows from a damaged file: its text where that can be read, its tokens where they can.

    Args:
        source, target: of the same tables, or an older ``source``.
        id: of the document.
        new_id: of the copy; the same when not given.

    Raises:
        sqlite3.Error: when not even the text can be read, or the target cannot be written.
    """
    copy = new_id or id
    columns, row = _copied_columns(source, id)
    names = ", ".join(columns)
    marks = ", ".join("?" for _ in columns)
    target.execute(f"insert or ignore into documents (id, {names}) values (?, {marks})", (copy, *row))
    columns = _present_columns(source, "nodes", NODE, NODE[:_FIRST_OF_NODE])
    names, marks = ", ".join(columns), ", ".join("?" for _ in columns)
    for node in source.execute(f"select {names} from nodes where document = ?", (id,)):
        target.execute(f"insert or ignore into nodes (document, {names}) values (?, {marks})", (copy, *node))
    with suppress(sqlite3.DatabaseError, UnicodeDecodeError):
        for part in source.execute("select node, chunk, tokens from tokens where document = ?", (id,)):
            target.execute("insert or ignore into tokens values (?, ?, ?, ?)", (copy, *part))
    with suppress(sqlite3.DatabaseError, UnicodeDecodeError):
        for (tag,) in source.execute("select tag from tags where document = ?", (id,)):
            target.execute("insert or ignore into tags values (?, ?)", (copy, tag))


def _copied_columns(source: sqlite3.Connection, id: str) -> tuple[tuple[str, ...], tuple[Column, ...]]:
    """Names and values of a document's columns that a damaged file, maybe of an older version, has."""
    for columns in (_present_columns(source, "documents", DOCUMENT, DOCUMENT), DOCUMENT[:_FIRST]):
        with suppress(sqlite3.DatabaseError, UnicodeDecodeError):
            row = source.execute(f"select {', '.join(columns)} from documents where id = ?", (id,)).fetchone()
            if row is not None:
                values = [value if index >= _FIRST or value is not None else 0 for index, value in enumerate(row)]
                return columns, tuple(values)
    return DOCUMENT[:_FIRST], ("", 0.0, 0.0, -1)


def _present_columns(
    source: sqlite3.Connection, table: str, columns: tuple[str, ...], otherwise: tuple[str, ...]
) -> tuple[str, ...]:
    """Those of the columns that a table of the file has; ``otherwise`` where that cannot be read."""
    with suppress(sqlite3.DatabaseError, UnicodeDecodeError):
        present = {name for _, name, *_ in source.execute(f"pragma table_info({table})")}
        return tuple(name for name in columns if name in present) or otherwise
    return otherwise


def export(raw: RawDocument, set_aside: list[str]) -> bytes:
    """A document's rows as JSON that a person can look into, with those that were set aside before."""
    earlier = [json.loads(text) for text in set_aside]
    return json.dumps({**raw.to_json(), "set_aside": earlier}, ensure_ascii=False, indent=1).encode("utf-8", "replace")


def _named(names: tuple[str, ...], row: tuple[Column, ...]) -> dict[str, Any]:
    return dict(zip(names, map(_plain, row), strict=True))


def _plain(value: Column) -> Any:
    return {"hex": value.hex()} if isinstance(value, bytes) else value
