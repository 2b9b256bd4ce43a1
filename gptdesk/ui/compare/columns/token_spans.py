"""Which characters of a column's text each token is: of its completion, or of the text that all columns read. No Qt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gptdesk.compare.results import Cell, SharedReading


class TokenSpan(NamedTuple):
    """Tokens that share characters; most are one token.

    Attributes:
        start, end: characters of the text.
        first, last: the tokens, from ``first`` to before ``last``.
    """

    start: int
    end: int
    first: int
    last: int


def completion_spans(cell: Cell) -> list[TokenSpan]:
    """The tokens of a completion; those of a stop string are cut off."""
    return _spans(np.minimum(cell.ends, len(cell.text)))


def shared_spans(reading: SharedReading, text: str) -> list[TokenSpan]:
    """The tokens of the text that all columns read; a character that is not whole belongs to the token that ends it."""
    places = np.cumsum([len(letter.encode("utf-8", "replace")) for letter in text])
    return _spans(np.searchsorted(places, reading.ends, side="right"))


def span_at(spans: Sequence[TokenSpan], character: int) -> TokenSpan | None:
    """The span that has a character; the last one behind the end, ``None`` where there are none."""
    found = next((span for span in spans if character < span.end), None)
    return found or (spans[-1] if spans else None)


def _spans(ends: npt.NDArray[np.int64]) -> list[TokenSpan]:
    spans: list[TokenSpan] = []
    start = first = 0
    for index, end in enumerate(ends.tolist()):
        if end > start:
            spans.append(TokenSpan(start, end, first, index + 1))
            start, first = end, index + 1
    return spans
