"""The text of a column and its marks: colours of a `Colouring`, and where it parts from the first one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gptdesk.coloured_text import surprisal
from gptdesk.coloured_text.ramps import STEPS, ramp
from gptdesk.compare.results import Results
from gptdesk.ui.compare.columns.colouring import Colouring
from gptdesk.ui.compare.columns.compared_text import Mark
from gptdesk.ui.compare.columns.token_spans import TokenSpan, completion_spans, shared_spans
from gptdesk.ui.theme import Theme

_LESS_LIGHT: Final = "#5B93F0"
_LESS_DARK: Final = "#2A56A8"
"""The strongest colour of what is below zero, in each theme."""


def shown_text(results: Results, prompt: int, column: int, colouring: Colouring) -> tuple[str, list[TokenSpan]]:
    """The text of a cell that is there, and its spans."""
    cell = results.cells[prompt, column]
    if not colouring.is_shared:
        return cell.text, completion_spans(cell)
    text = results.shared_text(prompt) or ""
    return text, shared_spans(cell.shared, text) if cell.shared is not None else []


def part_at(results: Results, prompt: int, column: int) -> set[int]:
    """The tokens of a cell's completion at which it parts from the first text; of the first, those of all others."""
    reference = results.reference(prompt)
    assert reference is not None, "there is a cell"
    others = results.row(prompt) if column == reference else [column]
    places = [results.parting(prompt, reference, other) for other in others if other != reference]
    return {place.first if column == reference else place.second for place in places if place is not None}


def marks(
    theme: Theme, results: Results, prompt: int, column: int, colouring: Colouring, spans: Sequence[TokenSpan]
) -> list[Mark]:
    """The marks of a cell's text."""
    found = []
    parts = set() if colouring.is_shared else part_at(results, prompt, column)
    for span in spans:
        level = colouring.levels(results, prompt, column, span) if colouring.levels is not None else None
        colour = "" if level is None else _colour(theme, level)
        is_part = any(span.first <= index < span.last for index in parts)
        if is_part:
            found.append(Mark(span.start, span.end, colour or theme.colours.wash, theme.colours.accent))
        elif colour:
            found.append(Mark(span.start, span.end, colour))
    return found


def has_levels(results: Results, prompt: int, column: int, colouring: Colouring, spans: Sequence[TokenSpan]) -> bool:
    """Whether a cell has values to be coloured by; that which others are compared with needs none."""
    if not colouring.missing or column == results.reference(prompt) or len(spans) < 2:
        return True
    assert colouring.levels is not None
    return colouring.levels(results, prompt, column, spans[-1]) is not None


def _colour(theme: Theme, level: float) -> str:
    """No colour for what would not be seen."""
    step = round(min(1.0, abs(level)) * (STEPS - 1))
    if not step:
        return ""
    more = surprisal.STRONGEST_DARK if theme.dark else surprisal.STRONGEST_LIGHT
    less = _LESS_DARK if theme.dark else _LESS_LIGHT
    return ramp(theme.colours.surface, more if level > 0 else less)[step]
