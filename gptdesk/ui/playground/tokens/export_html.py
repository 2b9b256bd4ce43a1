"""Writes a text as one HTML page with the colours of the token view, light and dark, without scripts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Final

from gptdesk.gpt2.mixed_text import PLACEHOLDER
from gptdesk.store.runs import clean
from gptdesk.ui.palette import DARK, LIGHT, Colours
from gptdesk.ui.playground.tokens.measures import MEASURES, Measure, quoted
from gptdesk.ui.playground.tokens.ramps import ramp
from gptdesk.ui.playground.tokens.token_table import TokenTable, Totals, totals_text

if TYPE_CHECKING:
    from gptdesk.gpt2.tokenizer import Tokenizer

_PAGE: Final = """\
<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="generator" content="gptdesk">
<title>{title}</title>
<style>
:root {{ {light} }}
@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}
body {{ margin: 0; background: var(--paper); color: var(--text); font: 1.1rem/1.8 Georgia, serif; }}
main {{ max-width: 42rem; margin: 3rem auto; padding: 0 1.5rem; white-space: pre-wrap; overflow-wrap: anywhere; }}
footer {{ max-width: 42rem; margin: 3rem auto; padding: 0 1.5rem; color: var(--quiet); font: 0.85rem/1.6 sans-serif; }}
.g {{ border-bottom: 2px solid var(--bar); }}
.n {{ border: 1px solid var(--quiet); border-radius: 4px; padding: 0 0.3em; font: 0.75em monospace; }}
.r b {{ display: inline-block; width: 0.9em; height: 0.9em; vertical-align: -0.1em; }}
{rules}
</style>
</head>
<body>
<main>{text}</main>
<footer>
<p class="r">{measure}: {low} {steps} {high}</p>
<p>{totals}{generated}</p>
</footer>
</body>
</html>
"""


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
    shades = len(ramp(LIGHT.surface, measure.light))
    totals: Totals = shown.table.totals(shown.text, range(len(shown.table)))
    page = _PAGE.format(
        title=_escaped(shown.title),
        light=_variables(LIGHT, measure.light),
        dark=_variables(DARK, measure.dark),
        rules="\n".join(f".s{step} {{ background: var(--s{step}); }}" for step in range(1, shades)),
        text="".join(_spans(shown, tokenizer)),
        measure=_escaped(measure.title),
        low=_escaped(measure.low),
        steps="".join(f'<b class="s{step}"></b>' for step in range(shades)),
        high=_escaped(measure.high),
        totals=_escaped(f"{totals_text(totals)}  ·  {shown.model}"),
        generated="<br>What a model generated is <span class='g'>underlined</span>." if shown.generated else "",
    )
    return page.encode("utf-8")


def _variables(colours: Colours, end: str) -> str:
    named = {"paper": colours.surface, "text": colours.text, "quiet": colours.muted, "bar": colours.accent}
    named |= {f"s{step}": colour for step, colour in enumerate(ramp(colours.surface, end))}
    return " ".join(f"--{name}: {value};" for name, value in named.items())


def _spans(shown: ColouredText, tokenizer: Tokenizer) -> Iterator[str]:
    """The text, cut into its tokens; those that share a character are one."""
    table, place = shown.table, 0
    generated = iter(shown.generated)
    first, last = next(generated, (0, 0))
    for start, end, indexes in _groups(table):
        if place < start:  # no token stands for it
            yield _escaped(shown.text[place:start])
        while start >= last > 0:
            first, last = next(generated, (0, 0))
        kinds = ["g"] if first <= start < last else []
        step = max(shown.measure.step(table.figures(index)) for index in indexes)
        kinds += [f"s{step}"] if step else []
        letters = shown.text[start:end]
        if letters == PLACEHOLDER:
            kinds.append("n")
            letters = tokenizer.piece(table.ids[indexes[0]])
        title = "\n".join(_described(table, index, tokenizer) for index in indexes)
        kind = f' class="{" ".join(kinds)}"' if kinds else ""
        yield f'<span{kind} title="{_escaped(title)}">{_escaped(letters)}</span>'
        place = end
    yield _escaped(shown.text[place:])


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


def _escaped(text: str) -> str:
    return escape(clean(text))
