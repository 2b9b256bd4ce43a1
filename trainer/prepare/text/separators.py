"""Finds the ends of documents in text: lines of ``<|endoftext|>``, and cuts in very long ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

SEPARATOR: Final = b"<|endoftext|>"
"""A line of this alone stands between two documents of a text file."""

LARGEST_DOCUMENT: Final = 16 << 20
"""Bytes of text without a separator that are one document; a longer one is cut, at a line's end if possible."""

_NEAR: Final = 1 << 20
"""How far before its limit a long document is searched for a place to cut."""

_MARGIN: Final = 256
"""White space on either side of a separator, in bytes, that is looked through for the ends of its line."""


def cut_place(data: bytes, start: int, limit: int) -> int:
    """Where to cut ``data[start:]`` up to ``limit``: after a line, else before a blank, else between characters."""
    near = max(start + 1, limit - _NEAR)
    if (line := data.rfind(b"\n", near, limit)) >= 0:
        return line + 1
    if (blank := data.rfind(b" ", near, limit)) >= 0:
        return blank
    while limit > near and data[limit] & 0xC0 == 0x80:  # inside a character
        limit -= 1
    return limit


def pieces(data: bytes, longest: int) -> Iterator[bytes]:
    """A text, in parts of ``longest`` bytes at most."""
    at = 0
    while len(data) - at > longest:
        place = cut_place(data, at, at + longest)
        yield data[at:place]
        at = place
    yield data[at:]


def find_separator(data: bytes, start: int, final: bool) -> tuple[int, int]:
    """Begin and end of the next line that holds `SEPARATOR` alone, (-1, -1) without one.

    Args:
        data: text.
        start: where to begin; a line begins there.
        final: whether the last line ends with the data; else it may go on.
    """
    at = start
    while (at := data.find(SEPARATOR, at)) >= 0:
        after = at + len(SEPARATOR)
        before = data[max(start, at - _MARGIN) : at]
        begin = at - len(before) + before.rfind(b"\n") + 1
        rest = data[after : after + _MARGIN]
        line_end = rest.find(b"\n")
        if line_end < 0 and len(rest) < _MARGIN:
            if not final:
                break
            line_end = len(rest)
        begins_line = begin == start or data[begin - 1] == ord("\n")
        if begins_line and line_end >= 0 and not (data[begin:at] + rest[:line_end]).strip():
            return begin, min(after + line_end + 1, len(data))
        at = after
    return -1, -1
