"""What the tooltip of a token says: its figures, and both distributions where texts part."""

from __future__ import annotations

import math
from collections.abc import Sequence

from gptdesk.compare.results import Results
from gptdesk.ui import number_format
from gptdesk.ui.compare.columns.colouring import Colouring
from gptdesk.ui.compare.columns.marking import part_at
from gptdesk.ui.compare.columns.token_spans import completion_spans, shared_spans, span_at
from gptdesk.ui.compare.panel.distributions import percent, place_of, token_text
from gptdesk.ui.compare.panel.token_facts import shared_rows

_SHOWN = 5
"""Tokens of a distribution that are named."""


def tip_at(
    results: Results, prompt: int, order: Sequence[int], column: int, character: int, colouring: Colouring
) -> str:
    """The lines of the tooltip at a character of a cell that is there; "" where there is no token."""
    cell = results.cells[prompt, column]
    if colouring.is_shared:
        spans = shared_spans(cell.shared, results.shared_text(prompt) or "") if cell.shared is not None else []
        span = span_at(spans, character)
        if span is None:
            return ""
        rows = shared_rows(results, prompt, [column], span.start)
        return "\n".join(f"{title}: {value}" for title, value in rows)
    span = span_at(completion_spans(cell), character)
    if span is None:
        return ""
    bits = -float(cell.logprobs[span.first : span.last].sum()) / math.log(2)
    share = percent(2**-bits)
    lines = [f"“{token_text(cell.text[span.start : span.end])}” {share}, {number_format.decimal(bits, 2)} bits"]
    parts = [index for index in part_at(results, prompt, column) if span.first <= index < span.last]
    if parts:
        place = place_of(results, prompt, column, parts[0])
        lines += [_distribution(results, prompt, order, other, index) for other, index in place.tokens.items()]
    return "\n".join(lines)


def _distribution(results: Results, prompt: int, order: Sequence[int], column: int, index: int) -> str:
    top = results.top(prompt, column, index)[:_SHOWN]
    named = ", ".join(f"“{token_text(one.text)}” {percent(math.exp(one.logprob))}" for one in top)
    return f"Text {order.index(column) + 1}: {named or 'it ended there'}"
