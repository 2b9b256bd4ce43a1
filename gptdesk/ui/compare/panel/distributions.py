"""What each column could have written at a place: the most likely tokens of all of them, side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from gptdesk.coloured_text.ramps import STEPS, ramp
from gptdesk.compare.results import Results
from gptdesk.ui import number_format
from gptdesk.ui.theme import Theme

_SHOWN = 12
"""Rows of the table at most."""


class Place(NamedTuple):
    """A token in each of some columns.

    Attributes:
        column: of the token that was pointed at.
        tokens: index of the token by column; the number of its tokens where the text has ended.
    """

    column: int
    tokens: dict[int, int]


class DistributionRow(NamedTuple):
    """A token and its probability in each column, ``None`` where it is not among the ten most likely ones."""

    token: str
    shares: list[float | None]
    chosen: list[bool]


def place_of(results: Results, prompt: int, column: int, token: int) -> Place:
    """The token of a column's completion and those of the others there.

    That is the same token where the vocabulary is the same and the texts do not end before, and what begins at the same
    character otherwise.
    """
    cell = results.cells[prompt, column]
    tokens = {column: token}
    character = int(cell.starts[token]) if token < len(cell.ids) else len(cell.text)
    for other, theirs in results.row(prompt).items():
        if other == column:
            continue
        if results.same_vocabulary(column, other):
            tokens[other] = min(token, len(theirs.ids))
        else:
            tokens[other] = next(
                (at for at, end in enumerate(theirs.ends.tolist()) if end > character), len(theirs.ids)
            )
    return Place(column, tokens)


def parting_of(results: Results, prompt: int) -> Place | None:
    """The first place at which a text parts from the first one; ``None`` where all are the same."""
    reference = results.reference(prompt)
    others = [column for column in results.row(prompt) if column != reference]
    if reference is None:
        return None
    found = {other: results.parting(prompt, reference, other) for other in others}
    places = [(place.character, place.first) for place in found.values() if place is not None]
    return place_of(results, prompt, reference, min(places)[1]) if places else None


def distribution_rows(results: Results, prompt: int, place: Place, columns: Sequence[int]) -> list[DistributionRow]:
    """The most likely tokens of all of these columns at a place, the most likely one of any column first."""
    shares: dict[str, list[float | None]] = {}
    chosen: dict[str, list[bool]] = {}
    for number, column in enumerate(columns):
        index = place.tokens.get(column)
        if index is None:
            continue
        cell = results.cells[prompt, column]
        taken = results.tokenizers[column].piece(int(cell.ids[index])) if index < len(cell.ids) else None
        found = [(one.text, math.exp(one.logprob)) for one in results.top(prompt, column, index)]
        if taken is not None and taken not in dict(found):
            found.append((taken, math.exp(cell.logprobs[index])))
        for text, share in found:
            shares.setdefault(text, [None] * len(columns))[number] = share
            chosen.setdefault(text, [False] * len(columns))[number] = text == taken
    rows = [DistributionRow(text, shares[text], chosen[text]) for text in shares]
    rows.sort(key=lambda one: (not any(one.chosen), -max(share or 0.0 for share in one.shares)))
    kept = rows[:_SHOWN]
    return sorted(kept, key=lambda one: -max(share or 0.0 for share in one.shares))


def cells_of(theme: Theme, rows: Sequence[DistributionRow]) -> tuple[list[list[str]], list[list[str]]]:
    """Texts and colours for a table of these rows; an arrow is beside what was chosen."""
    colours = ramp(theme.colours.surface, theme.colours.accent)
    most = 0.6  # words must stay readable on the strongest one
    texts, backs = [], []
    for one in rows:
        words = [
            "–" if share is None else f"{'▸ ' if chosen else ''}{percent(share)}"
            for share, chosen in zip(one.shares, one.chosen, strict=True)
        ]
        texts.append([token_text(one.token), *words])
        backs.append(["" if not share else colours[round(share * most * (STEPS - 1))] for share in one.shares])
    return texts, backs


def percent(share: float) -> str:
    """43 %, 4.3 %, 0.04 %."""
    value = 100 * share
    return f"{number_format.decimal(value, 0 if value >= 10 else 1 if value >= 1 else 2)} %"


def token_text(text: str) -> str:
    """A token on one line, with its spaces and line ends to be seen."""
    return text.replace(" ", "␣").replace("\n", "↵").replace("\t", "⇥").replace("\r", "␍") or "(nothing)"
