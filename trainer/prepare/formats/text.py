"""Plain text and Markdown: documents separated by lines of ``<|endoftext|>``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO, Final

from trainer.prepare.formats.input import NOT_UTF8, Document, Input
from trainer.prepare.text import separators
from trainer.prepare.text.separators import cut_place, find_separator, pieces
from trainer.prepare.text.unpacking import read_until_damage

BOM: Final = "\ufeff"

_BLOCK: Final = 1 << 20
_PARAGRAPH_END: Final = re.compile(rb"\n[ \t\r]*\n")
_LARGEST_LOSS: Final = 4 << 10
"""Bytes of a paragraph that is left out whole for a byte in it that is no UTF-8; of a longer one its line, of a longer
line a stretch."""


def read(source: Input, start: int, end: int) -> Iterator[Document]:
    """The documents from byte ``start`` to ``end``; to the end of the text where it is compressed or not UTF-8."""
    with source.text(start) as stream:
        length = end - start if stream.seekable() and not source.compression else None
        for position, raw in _split(source, stream, start, length):
            try:
                text = raw.decode()
            except UnicodeDecodeError:
                text = _mended(source, raw, start + position)
            if start + position == 0:
                text = text.removeprefix(BOM)
            if text := text.replace("\r\n", "\n").strip():
                yield (text.encode(),)


def _split(source: Input, stream: IO[bytes], start: int, length: int | None) -> Iterator[tuple[int, bytes]]:
    """(offset, bytes) of what stands between lines of the separator alone, in parts where that is long.

    Raises:
        Exception: what reading raised, after all that comes before the damage.
    """
    buffer, offset, before = b"", 0, start
    searched, final = 0, False  # no separator begins before buffer[searched]
    damage: Exception | None = None
    while not final:
        size = _BLOCK if length is None else min(_BLOCK, length - offset - len(buffer))
        block, damage = read_until_damage(stream, size)
        now, final = source.position, not block or damage is not None
        buffer += block
        at = 0
        while True:
            begin, end = find_separator(buffer, max(at, searched), final)
            if begin < 0 and len(buffer) - at > separators.LARGEST_DOCUMENT:
                begin = end = cut_place(buffer, at, at + separators.LARGEST_DOCUMENT)
                source.cut += 1
            if begin < 0:
                break
            source.share = (before - start + (now - before) * end / len(buffer)) / (length or source.size)
            yield offset + at, buffer[at:begin]
            at = searched = end
        searched = max(0, buffer.rfind(b"\n") + 1 - at)
        offset, buffer, before = offset + at, buffer[at:], now
    source.share = 1.0
    yield offset, buffer
    if damage:
        raise damage


def _mended(source: Input, raw: bytes, offset: int) -> str:
    """A text without the paragraphs, or lines, that are no UTF-8; each is noted."""
    kept = []
    for begin, end in _paragraphs(raw):
        if (text := _decoded(raw[begin:end])) is not None:
            kept.append(text)
        elif end - begin <= _LARGEST_LOSS:
            _note(source, raw[begin:end], offset + begin)
        else:
            kept.append(_mended_lines(source, raw[begin:end], offset + begin))
    return "".join(kept)


def _mended_lines(source: Input, raw: bytes, offset: int) -> str:
    kept = []
    for line in raw.splitlines(keepends=True):
        for part in pieces(line, _LARGEST_LOSS):
            if (text := _decoded(part)) is not None:
                kept.append(text)
            else:
                _note(source, part, offset)
            offset += len(part)
    return "".join(kept)


def _paragraphs(raw: bytes) -> Iterator[tuple[int, int]]:
    begin = 0
    for blank in _PARAGRAPH_END.finditer(raw):
        yield begin, blank.end()
        begin = blank.end()
    yield begin, len(raw)


def _note(source: Input, raw: bytes, offset: int) -> None:
    """Says that this is left out, with the place of the first byte that is wrong."""
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        source.note(NOT_UTF8, f"byte {offset + error.start:,}", len(raw))


def _decoded(raw: bytes) -> str | None:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None
