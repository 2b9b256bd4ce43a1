"""Maps a document's text to that of a text widget: differences, soft breaks, UTF-16 positions. No Qt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from gptdesk.gpt2.mixed_text import PLACEHOLDER, MixedText

LONGEST_PARAGRAPH: Final = 4_000
"""Characters after which the widget ends a paragraph, at a space if one comes soon.

The widget lays out a whole paragraph whenever a letter of it changes, which takes 0.2 ms for a thousand characters, and
far longer where no space lets it end a line. Only the widget knows these breaks.
"""

MANY_LINES: Final = 500
"""From this many lines on, several lines of a text share one paragraph of the widget.

Whenever a letter changes, the widget walks through all paragraphs behind it, which takes 0.6 ms for a thousand.
"""

_TOGETHER: Final = 1_000
"""Characters of such a shared paragraph."""

_SOON: Final = 1_000
_BREAK: Final = "\u2029"
_LINE_END: Final = "\u2028"
"""Ends a line within a paragraph of the widget."""


def difference(old: str, new: str) -> tuple[int, int, int]:
    """Start of what differs, its end in ``old`` and its end in ``new``."""
    if new.startswith(old):
        return len(old), len(old), len(new)
    shorter = min(len(old), len(new))
    start = _longest(shorter, lambda low, high: old[low:high] == new[low:high])
    ends = len(old), len(new)
    same = _longest(
        shorter - start, lambda low, high: old[ends[0] - high : ends[0] - low] == new[ends[1] - high : ends[1] - low]
    )
    return start, len(old) - same, len(new) - same


def mixed_difference(old: MixedText, new: MixedText) -> tuple[int, int, int]:
    """As `difference`; special tokens differ by their names."""
    start, old_end, new_end = difference(old.text, new.text)
    same = old.text.count(PLACEHOLDER, 0, start)
    if old.names[:same] != new.names[:same]:
        first = next(number for number in range(same) if old.names[number] != new.names[number])
        start = _place(old.text, first)
    same = old.text.count(PLACEHOLDER, old_end)
    if same and old.names[-same:] != new.names[-same:]:
        last = next(number for number in range(1, same + 1) if old.names[-number] != new.names[-number])
        old_end = _place(old.text, len(old.names) - last) + 1
        new_end = _place(new.text, len(new.names) - last) + 1
    return start, old_end, new_end


def letters(mixed: MixedText) -> Sequence[str]:
    """The characters of a text; special tokens of different names are different ones."""
    if not mixed.names:
        return mixed.text
    names = iter(mixed.names)
    return [letter + next(names) if letter == PLACEHOLDER else letter for letter in mixed.text]


def _place(text: str, number: int) -> int:
    """Index of the special token of that number."""
    place = -1
    for _ in range(number + 1):
        place = text.index(PLACEHOLDER, place + 1)
    return place


def softened(text: str, column: int) -> list[str]:
    """Breaks the long paragraphs of ``text`` for the widget.

    Args:
        text: any text.
        column: characters of its first paragraph before ``text``.

    Returns:
        Pieces. Between two of them the widget has a break that is no character of the text; a break that replaces a
        space is part of a piece, so that positions stay the same.
    """
    pieces = [""]
    start = 0
    while start < len(text):
        line_end = text.find("\n", start)
        line_end = len(text) if line_end < 0 else line_end
        limit = start + max(0, LONGEST_PARAGRAPH - column)
        column = 0
        if line_end <= limit + _SOON:
            pieces[-1] += text[start : line_end + 1]
            start = line_end + 1
        elif (space := text.find(" ", limit, limit + _SOON)) >= 0:
            pieces[-1] += text[start:space] + _BREAK
            start = space + 1
        else:
            pieces[-1] += text[start : limit + _SOON]
            pieces.append("")
            start = limit + _SOON
    return pieces


def joined(text: str) -> str:
    """``text`` in few paragraphs of the widget; every character keeps its position."""
    if text.count("\n") < MANY_LINES:
        return text
    return _BREAK.join(map(_joined_lines, text.split(_BREAK)))


def _joined_lines(text: str) -> str:
    first, *lines = text.split("\n")
    parts, column = [first], len(first)
    for line in lines:
        together = column + len(line) < _TOGETHER
        column = column + len(line) + 1 if together else len(line)
        parts += [_LINE_END if together else "\n", line]
    return "".join(parts)


def same_in_view(document: str, view: str) -> bool:
    """Whether a character of the document is shown as one of the widget; a soft break is read back as a line end."""
    return document == view or (document in " \n" and view in f"\n{_LINE_END}")


def units(text: str) -> int:
    """Number of UTF-16 code units of ``text``, Qt's unit of positions."""
    return len(text.encode("utf-16-le")) // 2


def index(text: str, position: int) -> int:
    """Characters of ``text`` in its first ``position`` UTF-16 code units."""
    return len(text.encode("utf-16-le")[: 2 * position].decode("utf-16-le", errors="ignore"))


def _longest(limit: int, same: Callable[[int, int], bool]) -> int:
    """Largest n up to ``limit`` for which ``same(0, n)`` holds, when it holds for every smaller one."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        if same(low, middle):
            low = middle
        else:
            high = middle - 1
    return low
