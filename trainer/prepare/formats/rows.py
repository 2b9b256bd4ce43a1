"""Converts records (JSON objects, table rows) to documents."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from trainer.prepare.formats.input import Document, Input
from trainer.prepare.records import TEXT, Unusable


def is_record(values: Mapping[str, Any], source: Input) -> bool:
    """Whether an object has fields that make a document."""
    return bool(source.settings.records.fields(values))


def from_json(source: Input, text: str, where: object, size: int) -> Iterator[Document]:
    """The document in a line of JSON; none, noted, where there is none.

    Args:
        source: file of the record; notes what cannot be used.
        text: the line.
        where: it is in the file.
        size: of the line in bytes.
    """
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        source.note("a line is not JSON", where, size)
        return
    yield from from_value(source, values, where, size)


def from_value(source: Input, values: Any, where: object, size: int = 0) -> Iterator[Document]:
    """The document in a value of JSON or a row of a table; none, noted, where there is none."""
    try:
        document, kind = source.settings.records.parse(values)
    except Unusable as reason:
        source.note(str(reason), where, size)
        return
    if any(document):
        if kind != TEXT:
            source.account.saw_kind(kind)
        yield document
