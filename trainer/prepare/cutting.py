"""Splits files into units of work at document borders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO, Final

from trainer.prepare.account import Account
from trainer.prepare.broken import Broken
from trainer.prepare.formats import DOCUMENTS, FORMATS, PARTS, WHOLE
from trainer.prepare.formats.input import DAMAGED, Input, Settings, Unreadable
from trainer.prepare.formats.jsonl import LONGEST_LINE
from trainer.prepare.readers import format_module, make_input
from trainer.prepare.sources.files import SourceFile
from trainer.prepare.text.encodings import UTF_8
from trainer.prepare.text.separators import find_separator

_NEAR: Final = 1 << 20
"""How far after its nominal place a separator is sought to end a unit at."""

_UNPACKED: Final = 4
"""How many times larger a compressed file is guessed to be inside."""


@dataclass(frozen=True)
class Span:
    """A stretch of a file.

    Attributes:
        file: its index in the plan.
        start, end: bytes, or parts of a format that is split into them.
        bytes: of the file that it stands for.
        encoding: of the text, the same for all stretches of a file; empty where one stretch is the whole file.
    """

    file: int
    start: int
    end: int
    bytes: int
    encoding: str = ""


class Cutter:
    """Cuts files into spans.

    Args:
        settings: of the request.
        unit_bytes: text in a unit.
        broken: notes files that cannot be split.

    Attributes:
        broken: the same.
        cut: documents that were cut because they are too long for a unit.
    """

    def __init__(self, settings: Settings, unit_bytes: int, broken: Broken) -> None:
        self._settings, self._step = settings, unit_bytes
        self.broken = broken
        self.cut = 0

    def spans(self, index: int, file: SourceFile, path: Path) -> Iterator[tuple[Span, int]]:
        """The stretches of a file, each with the bytes of text that are in it, more or less.

        Raises:
            UserError: for a broken file when that is an error, or when pyarrow is needed and missing.
        """
        source = make_input(file, path, self._settings, self.broken, Account())
        if not file.bytes:
            source.note("is empty")
            return
        try:
            format = FORMATS[file.format]
            if format.split == PARTS:
                yield from self._parts(index, source)
            elif file.compression or format.split == WHOLE or file.bytes <= self._step:
                effort = _UNPACKED if file.compression else format.effort
                yield Span(index, 0, file.bytes, file.bytes), file.bytes * effort
            else:
                yield from self._stretches(index, source, path)
        except Unreadable as reason:
            source.note(str(reason))
        except OSError as error:
            source.note(f"cannot be read: {error.strerror}" if error.errno else DAMAGED)

    def _stretches(self, index: int, source: Input, path: Path) -> Iterator[tuple[Span, int]]:
        encoding = source.detect()
        if encoding != UTF_8:
            yield Span(index, 0, source.size, source.size, encoding), source.size
            return
        borders = [0, *self._borders(source, path), source.size]
        for start, end in pairwise(borders):
            yield Span(index, start, end, end - start, encoding), end - start

    def _borders(self, source: Input, path: Path) -> Iterator[int]:
        last = 0
        by_document = FORMATS[source.format].split == DOCUMENTS
        find = self._document_border if by_document else _line_border
        with path.open("rb") as stream:
            for place in range(self._step, source.size, self._step):
                if place > last:
                    stream.seek(place - 1)
                    last = place - 1 + find(stream, last=place + _NEAR >= source.size)
                    if last >= source.size:
                        return
                    yield last

    def _document_border(self, stream: IO[bytes], *, last: bool) -> int:
        """How far after the stream's position a document ends, or may be cut, one byte at least."""
        data = stream.read(_NEAR)
        line = data.find(b"\n") + 1
        if line:
            _, end = find_separator(data, line, last)
            if end > 0:
                return end
        if last:
            return len(data)  # no border before the file's end
        self.cut += 1
        if line:
            return line
        blank = data.find(b" ", 1)
        return blank if blank > 0 else _next_character(data)

    def _parts(self, index: int, source: Input) -> Iterator[tuple[Span, int]]:
        """Row groups, or members of an archive, as many together as make a unit."""
        parts = format_module(source.format).weights(source)
        total = max(1, sum(parts))
        start, weight = 0, 0
        for part, part_weight in enumerate(parts):
            weight += part_weight
            if weight >= self._step or part == len(parts) - 1:
                yield Span(index, start, part + 1, source.size * weight // total), weight
                start, weight = part + 1, 0


def _line_border(stream: IO[bytes], *, last: bool) -> int:
    return len(stream.readline(LONGEST_LINE))


def _next_character(data: bytes) -> int:
    at = 1
    while at < len(data) and data[at] & 0xC0 == 0x80:
        at += 1
    return at
