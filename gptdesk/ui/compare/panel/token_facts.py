"""Figures of one token of the text that all columns read: probability, surprisal, its change, and the divergence."""

from __future__ import annotations

import math

from gptdesk.compare.results import Results
from gptdesk.ui import number_format
from gptdesk.ui.compare.columns.token_spans import shared_spans, span_at
from gptdesk.ui.compare.panel.distributions import percent

_TITLES = ("Probability", "Surprisal, bits", "Change, bits", "KL, nats")


def shared_rows(results: Results, prompt: int, columns: list[int], character: int) -> list[list[str]]:
    """Title and values of each figure of the token that each column reads at a character of the text."""
    values = [_figures(results, prompt, column, character) for column in columns]
    return [[title, *(one[place] for one in values)] for place, title in enumerate(_TITLES)]


def _figures(results: Results, prompt: int, column: int, character: int) -> tuple[str, str, str, str]:
    unknown = "–"
    cell, reference = results.cells.get((prompt, column)), results.reference(prompt)
    if cell is None or cell.shared is None or reference is None:
        return unknown, unknown, unknown, unknown
    reading, text = cell.shared, results.shared_text(prompt) or ""
    span = span_at(shared_spans(reading, text), character)
    if span is None or span.first == 0:
        return unknown, unknown, unknown, unknown
    nats = float(reading.logprobs[span.first : span.last].sum())
    theirs = results.cells[prompt, reference].shared
    change = reading.surprisal_change(theirs) if theirs is not None and column != reference else None
    moved = unknown if change is None else _signed(float(change[span.first : span.last].sum()))
    divergence = unknown if reading.kl is None else _small(float(reading.kl[span.first : span.last].max()))
    return percent(math.exp(nats)), number_format.decimal(-nats / math.log(2), 2), moved, divergence


def _signed(bits: float) -> str:
    return f"{'+' if bits >= 0 else '−'}{number_format.decimal(abs(bits), 2)}"


def _small(nats: float) -> str:
    return number_format.decimal(nats, 3) if nats >= 1e-3 or nats == 0 else f"{nats:.0e}"
