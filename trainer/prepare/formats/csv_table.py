"""CSV and TSV with a header."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Final

from trainer.prepare.formats import TSV
from trainer.prepare.formats.columns import DEFAULT_COLUMN, guess_column, no_column
from trainer.prepare.formats.input import NOT_UTF8, Document, Input, Unreadable
from trainer.prepare.formats.rows import from_value
from trainer.prepare.records import knows_fields

LONGEST_FIELD: Final = 16 << 20
"""Characters of a field; a longer one comes of a quotation mark that is never closed."""

_SAMPLED_ROWS: Final = 200
_DELIMITERS: Final = ",;\t|"


def read(source: Input, start: int, end: int) -> Iterator[Document]:
    """The documents of all rows.

    Raises:
        Unreadable: when it has no text; or from some row on, what comes before being yielded.
    """
    csv.field_size_limit(LONGEST_FIELD)
    with source.text() as stream:
        lines = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
        try:
            yield from _documents(source, lines)
        except csv.Error as error:
            raise Unreadable(f"is no {source.format.upper()} from some row on: {error}") from None
        finally:
            lines.detach()


def _documents(source: Input, lines: io.TextIOWrapper) -> Iterator[Document]:
    first = lines.readline()
    rows = csv.reader(chain([first], lines), delimiter=_delimiter(source.format, first))
    header = next(rows, [])
    if not any(map(str.strip, header)):
        return
    names = [name.strip() for name in header]
    sample = list(islice(_numbered(rows), _SAMPLED_ROWS))
    wanted = _wanted(source, names, [row for _, row in sample])
    for number, row in chain(sample, _numbered(rows)):
        where, size = f"row {number:,}", sum(map(len, row))
        source.share = min(1.0, source.position / source.size)
        if len(row) != len(names):
            source.note(f"a row has not the {len(names)} fields of the header", where, size)
            continue
        values = {name: field for name, field in zip(names, row, strict=True) if name in wanted}
        if any(map(_is_broken, values.values())):
            source.note(NOT_UTF8, where, size)
            continue
        if wanted == {source.account.column}:
            values = {source.settings.column: values[source.account.column]}
        yield from from_value(source, values, where, size)


def _numbered(rows: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not blank, numbered as a spreadsheet does: the header is the first."""
    return ((number, row) for number, row in enumerate(rows, 2) if row)


def _wanted(source: Input, names: Sequence[str], rows: Sequence[Sequence[str]]) -> set[str]:
    """The columns that hold documents; a single one that was guessed is told to the account.

    Raises:
        Unreadable: when there are none.
    """
    column = source.settings.column
    if knows_fields(names, column):
        return set(names)
    sample = {
        name: [row[i] for row in rows if len(row) == len(names)]
        for i, name in enumerate(names)
        if names.count(name) == 1
    }
    guessed = guess_column(sample) if column == DEFAULT_COLUMN else None
    if guessed is None:
        raise Unreadable(no_column(column, names))
    source.account.column = guessed
    return {guessed}


def _delimiter(format: str, header: str) -> str:
    """A tab in TSV; else what stands most often between the names."""
    return "\t" if format == TSV else max(_DELIMITERS, key=lambda mark: (header.count(mark), -_DELIMITERS.index(mark)))


def _is_broken(field: str) -> bool:
    return not field.isascii() and any("\udc80" <= char <= "\udcff" for char in field)
