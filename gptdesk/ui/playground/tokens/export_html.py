"""Writes a text as one HTML page with the colours of the token view, light and dark, without scripts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gptdesk.coloured_text.page import PageColours, escaped, legend, page, span
from gptdesk.gpt2.mixed_text import PLACEHOLDER
from gptdesk.ui.palette import DARK, LIGHT, Colours
from gptdesk.ui.playground.tokens.measures import MEASURES, Measure, quoted
from gptdesk.ui.playground.tokens.token_table import TokenTable, Totals, totals_text

if TYPE_CHECKING:
    from gptdesk.gpt2.tokenizer import Tokenizer

_STYLE: Final = """\
main { max-width: 42rem; margin: 3rem auto; padding: 0 1.5rem; white-space: pre-wrap; overflow-wrap: anywhere; }
footer { max-width: 42rem; margin: 3rem auto; padding: 0 1.5rem; color: var(--quiet); font: 0.85rem/1.6 sans-serif; }
.g { border-bottom: 2px solid var(--bar); }"""


@dataclass(frozen=True)
class ColouredText:
    """What a page shows.

    Attributes:
        title: of the document.
        model: that found the figures.
        text: of the document.
        table: its tokens.
        generated: first character of each generated stretch, and the place behind its last one.
        measure: that it is coloured by.
    """

    title: str
    model: str
    text: str
    table: TokenTable
    generated: Sequence[tuple[int, int]]
    measure: Measure


def to_html(shown: ColouredText, tokenizer: Tokenizer) -> bytes:
    """The page in UTF-8: a ``<span>`` for each token that has a figure, which stands in its tooltip."""
    measure = shown.measure
    totals: Totals = shown.table.totals(shown.text, range(len(shown.table)))
    generated = "<br>What a model generated is <span class='g'>underlined</span>." if shown.generated else ""
    body = (
        f"<main>{''.join(_spans(shown, tokenizer))}</main>\n<footer>\n"
        f"{legend(measure.title, measure.low, measure.high)}\n"
        f"<p>{escaped(f'{totals_text(totals)}  ·  {shown.model}')}{generated}</p>\n</footer>"
    )
    light, dark = _colours(LIGHT, measure.light), _colours(DARK, measure.dark)
    return page(shown.title, light=light, dark=dark, style=_STYLE, body=body)


def _colours(theme: Colours, strongest: str) -> PageColours:
    return PageColours(theme.surface, theme.text, theme.muted, theme.accent, strongest)


def _spans(shown: ColouredText, tokenizer: Tokenizer) -> Iterator[str]:
    """The text, cut into its tokens; those that share a character are one."""
    table, place = shown.table, 0
    generated = iter(shown.generated)
    first, last = next(generated, (0, 0))
    for start, end, indexes in _groups(table):
        if place < start:  # no token stands for it
            yield escaped(shown.text[place:start])
        while start >= last > 0:
            first, last = next(generated, (0, 0))
        kinds = ["g"] if first <= start < last else []
        step = max(shown.measure.step(table.figures(index)) for index in indexes)
        letters = shown.text[start:end]
        if letters == PLACEHOLDER:
            kinds.append("n")
            letters = tokenizer.piece(table.ids[indexes[0]])
        title = "\n".join(_described(table, index, tokenizer) for index in indexes)
        yield span(letters, step=step, title=title, kinds=kinds)
        place = end
    yield escaped(shown.text[place:])


def _groups(table: TokenTable) -> Iterator[tuple[int, int, list[int]]]:
    """Start and end of tokens, and their indexes; several where they are parts of one character."""
    group: list[int] = []
    start = end = 0
    for index in range(len(table)):
        if group and table.starts[index] >= end:
            yield start, end, group
            group = []
        if not group:
            start, end = table.starts[index], table.ends[index]
        end = max(end, table.ends[index])
        group.append(index)
    if group:
        yield start, end, group


def _described(table: TokenTable, index: int, tokenizer: Tokenizer) -> str:
    """“ upon” 2402 · Surprisal 3.24 bits · Probability 10.6 % · Rank 2, one line."""
    figures = table.figures(index)
    head = f"{quoted(tokenizer.piece(figures.id))} {figures.id}"
    known = [f"{one.title} {one.value(figures)}" for one in MEASURES.values()] if figures.known else ["not scored"]
    return " · ".join([head, *known])
