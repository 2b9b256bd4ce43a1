"""Which characters of a text its tokens stand for. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise

Span = tuple[int, int]
"""Index of a first character, and the index behind the last one."""


def spans_of_bytes(text: str, lengths: Sequence[int]) -> list[Span]:
    """Spans of tokens that stand for so many bytes of the text's UTF-8 each, one after the other.

    Tokens that stand for parts of one character have all of it.
    """
    bounds = pairwise(accumulate(lengths, initial=0))
    if text.isascii():
        return list(bounds)
    characters = [index for index, letter in enumerate(text) for _ in range(_size(letter))]  # of each byte
    return [
        (characters[start], characters[end - 1] + 1) if start < end <= len(characters) else (len(text), len(text))
        for start, end in bounds
    ]


def tiled(spans: Iterable[Span]) -> list[Span]:
    """Spans without gaps: characters of no token, such as a space that the next token implies, belong to that one."""
    found: list[Span] = []
    reached = 0
    for start, end in spans:
        start = min(start, reached)
        found.append((start, max(start, end)))
        reached = max(reached, end)
    return found


def _size(letter: str) -> int:
    """Bytes of UTF-8; a lone surrogate is read as U+FFFD, which has three, too."""
    code = ord(letter)
    return 1 + (code > 0x7F) + (code > 0x7FF) + (code > 0xFFFF)
