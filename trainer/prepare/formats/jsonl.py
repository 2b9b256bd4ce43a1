"""JSON lines: a record a line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from trainer.prepare.formats.input import BOM, NOT_UTF8, Document, Input
from trainer.prepare.formats.rows import from_json

LONGEST_LINE: Final = 64 << 20
"""Bytes of a line; a longer one is broken."""


@dataclass(frozen=True)
class Line:
    """A line of a file, whose number is found out when it is to be told: lines before the stretch have to be counted.

    Attributes:
        source: the file.
        start: the byte at which the stretch begins.
        number: of the line in it, from 1.
    """

    source: Input
    start: int
    number: int

    def __str__(self) -> str:
        return f"line {self.source.lines_before(self.start) + self.number:,}"


def read(source: Input, start: int, end: int) -> Iterator[Document]:
    """The documents of the lines from byte ``start`` to ``end``, or of all where the text is packed or not UTF-8."""
    with source.text(start) as stream:
        length = end - start if stream.seekable() and not source.compression else None
        position, number = 0, 0
        while length is None or position < length:
            line = stream.readline(LONGEST_LINE)
            if not line:
                return
            size = len(line)
            number += 1
            if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
                while (rest := stream.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
                    size += len(rest)
                size += len(rest)
                source.note(f"a line is longer than {LONGEST_LINE >> 20} MiB", Line(source, start, number), size)
                line = b""
            if start + position == 0:
                line = line.removeprefix(BOM)
            position += size
            source.share = (source.position - start) / (length or source.size)
            if line.strip():
                yield from _document(source, line, Line(source, start, number))


def _document(source: Input, line: bytes, where: Line) -> Iterator[Document]:
    try:
        text = line.decode()
    except UnicodeDecodeError:
        source.note(NOT_UTF8, where, len(line))
        return
    yield from from_json(source, text, where, len(line))
