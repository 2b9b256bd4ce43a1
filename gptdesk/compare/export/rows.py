"""A comparison as a table: one row for each prompt and column, the same for terminal, CSV, JSON and page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from gptdesk.compare.results import Results

FIGURES: Final = {
    "tokens": "Tokens",
    "characters": "Characters",
    "tokens_per_s": "Tokens/s",
    "logprob": "Log-probability",
    "logprob_per_token": "per token",
    "distinct_1": "Distinct-1",
    "distinct_2": "Distinct-2",
    "repetition": "Repetition",
    "finish_reason": "Ended by",
    "parts_at_token": "Parts at token",
    "parts_at_character": "Parts at character",
    "mean_kl": "KL, nats/token",
    "mean_surprisal_change": "Surprisal, bits/token",
    "bits_per_byte": "Bits/byte",
}
"""Figures of a row and their titles. The last five are beside the first column that completed the prompt."""


class Row(NamedTuple):
    """What is said of one cell.

    Attributes:
        prompt: index of the prompt.
        column: index of the column.
        figures: those of `FIGURES`; ``None`` for what is not known.
    """

    prompt: int
    column: int
    figures: dict[str, Any]


def rows(results: Results) -> Iterator[Row]:
    """All rows, those of a prompt together."""
    for prompt in range(len(results.prompts)):
        for column in results.row(prompt):
            yield row(results, prompt, column)


def row(results: Results, prompt: int, column: int) -> Row:
    """The row of a cell that is there."""
    figures: dict[str, Any] = dict.fromkeys(FIGURES)
    figures |= results.cells[prompt, column].figures | beside_reference(results, prompt, column)
    return Row(prompt, column, figures)


def beside_reference(results: Results, prompt: int, column: int) -> dict[str, Any]:
    """The figures of a cell beside the prompt's first one; its bits per byte are those of the bytes that both count."""
    reference = results.reference(prompt)
    assert reference is not None
    found: dict[str, Any] = {}
    if column != reference and (parting := results.parting(prompt, reference, column)) is not None:
        found |= {"parts_at_token": parting.second, "parts_at_character": parting.character}
    mine, theirs = results.cells[prompt, column].shared, results.cells[prompt, reference].shared
    if mine is None or theirs is None:
        return found
    found["bits_per_byte"] = mine.bits_per_byte(theirs)
    if column != reference:
        found["mean_kl"] = mine.mean_kl
        change = mine.surprisal_change(theirs)
        if change is not None and len(change) > 1:
            found["mean_surprisal_change"] = float(change[1:].mean())
    return found


def shown_value(value: Any) -> str:
    """A figure as people read it."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.2e}" if 0 < abs(value) < 1e-3 else f"{value:,.3f}"
    return f"{value:,}" if isinstance(value, int) else str(value).replace("_", " ")
