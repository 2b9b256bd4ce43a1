"""What the colours of the texts can stand for: a table. Without NumPy: the commands of the page are made from it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from gptdesk.coloured_text import surprisal

if TYPE_CHECKING:
    from gptdesk.compare.results import Results
    from gptdesk.ui.compare.columns.token_spans import TokenSpan

MOST_NATS: Final = 1.0
"""Divergence with the strongest colour."""

MOST_CHANGE_BITS: Final = 4.0
"""Change of surprisal with the strongest colour, up or down."""

Levels: TypeAlias = "Callable[[Results, int, int, TokenSpan], float | None]"
"""From results, prompt, column and span: 0 (no colour) to 1 (the strongest), negative for less; ``None``: not known."""


class Colouring(msgspec.Struct, frozen=True):
    """What colours stand for.

    Attributes:
        id: as settings keep it.
        title: in the list.
        description: a sentence without its full stop, as of commands.
        legend: what the strongest colour stands for.
        is_shared: whether the text that all columns read is shown, instead of what each has written.
        levels: strength of the colour of each span; ``None`` where only places are marked.
        missing: said of a column without values; "" where there are always some.
    """

    id: str
    title: str
    description: str
    legend: str
    is_shared: bool
    levels: Levels | None = None
    missing: str = ""


def _surprisal(results: Results, prompt: int, column: int, span: TokenSpan) -> float:
    cell = results.cells[prompt, column]
    return surprisal.level(-float(cell.logprobs[span.first : span.last].sum()) / math.log(2))


def _divergence(results: Results, prompt: int, column: int, span: TokenSpan) -> float | None:
    reading = results.cells[prompt, column].shared
    if reading is None or reading.kl is None or span.first == 0:
        return None
    return float(reading.kl[span.first : span.last].max()) / MOST_NATS


def _change(results: Results, prompt: int, column: int, span: TokenSpan) -> float | None:
    reference = results.reference(prompt)
    if reference is None or column == reference or span.first == 0:
        return None
    mine, theirs = results.cells[prompt, column].shared, results.cells[prompt, reference].shared
    change = mine.surprisal_change(theirs) if mine is not None and theirs is not None else None
    return None if change is None else float(change[span.first : span.last].sum()) / MOST_CHANGE_BITS


COLOURINGS: Final = (
    Colouring(
        "parting",
        "Where texts part",
        "What each column wrote; the first token that differs from the first text is marked",
        "",
        is_shared=False,
    ),
    Colouring(
        "surprisal",
        "Surprisal",
        "What each column wrote, in the colour of how little its model expected each token",
        f"Strongest: {surprisal.HIGH}",
        is_shared=False,
        levels=_surprisal,
    ),
    Colouring(
        "kl",
        "KL divergence",
        "The same text read by each, in the colour of how far it is from the first one",
        f"Strongest: {MOST_NATS:g} nat and more",
        is_shared=True,
        levels=_divergence,
        missing="No divergence: its distributions cannot be compared with those of the first column.",
    ),
    Colouring(
        "change",
        "Change of surprisal",
        "The same text read by each column: orange where a token surprises it more than the first, blue where less",
        f"Strongest: {MOST_CHANGE_BITS:g} bits and more",
        is_shared=True,
        levels=_change,
        missing="No change of surprisal: its tokens are not those of the first column.",
    ),
)


def colouring_of(id: object) -> Colouring:
    """The one of that id; else the first."""
    return next((one for one in COLOURINGS if one.id == id), COLOURINGS[0])
