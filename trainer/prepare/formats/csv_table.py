"""CSV and TSV with a header."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import chain, islice, pairwise
from typing import Final

from trainer.prepare.formats import TSV
from trainer.prepare.formats.columns import guess_column, no_column
from trainer.prepare.formats.input import NOT_UTF8, Document, Input, Unreadable
from trainer.prepare.formats.rows import from_value
from trainer.prepare.records import DEFAULT_COLUMN

LONGEST_FIELD: Final = 16 << 20
"""Characters of a field; a longer one comes of a quotation mark that is never closed."""

_SAMPLED_ROWS: Final = 200
_DELIMITERS: Final = ",;\t|"


def read(source: Input, start: int, end: int) -> Iterator[Document]:
    """The documents of all rows.

    Raises:
        Unreadable: when no column holds the text.
    """
    csv.field_size_limit(LONGEST_FIELD)
    with source.text() as stream:
        lines = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
        try:
            yield from _documents(source, lines)
        finally:
            lines.detach()


def _documents(source: Input, lines: io.TextIOWrapper) -> Iterator[Document]:
    rows = _Rows(source, lines)
    _, header = next(rows, (0, []))
    if not any(map(str.strip, header)):
        return
    names = [name.strip() for name in header]
    sample = list(islice(rows, _SAMPLED_ROWS))
    wanted = _wanted(source, names, [row for _, row in sample])
    for number, row in chain(sample, rows):
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


class _Rows:
    """Rows that are not blank, numbered as a spreadsheet does; what a stray quotation mark swallows is noted."""

    def __init__(self, source: Input, lines: io.TextIOWrapper) -> None:
        self._source, self._lines = source, lines
        self._quotes = self._lines_of_row = self._number = 0
        self._ended = False  # the last line has been read
        first = lines.readline()
        self._rows = csv.reader(self._counted(first), delimiter=_delimiter(source.format, first))

    def _counted(self, first: str) -> Iterator[str]:
        for line, following in pairwise(chain([first], self._lines, [""])):
            self._quotes += line.count('"')
            self._lines_of_row += 1
            self._ended = not following
            yield line

    def __iter__(self) -> _Rows:
        return self

    def __next__(self) -> tuple[int, list[str]]:
        while True:
            self._number += 1
            self._lines_of_row = 0
            try:
                row = next(self._rows)
            except csv.Error:
                self._note_open_quote(LONGEST_FIELD)
                continue
            if self._lines_of_row > 1 and self._quotes % 2 and self._ended:
                self._note_open_quote(sum(map(len, row)))
            elif row:
                return self._number, row

    def _note_open_quote(self, size: int) -> None:
        self._source.note("a quotation mark is open to the end, or for too long", f"row {self._number:,}", size)


def _wanted(source: Input, names: Sequence[str], rows: Sequence[Sequence[str]]) -> set[str]:
    """The columns that hold documents; a single one that was guessed is noted in the account.

    Raises:
        Unreadable: when there are none.
    """
    column = source.settings.column
    if fields := source.settings.records.fields(names):
        return set(fields)
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
