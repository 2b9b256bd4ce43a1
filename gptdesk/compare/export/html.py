"""Writes a comparison as one web page: the completions side by side, their tokens coloured by surprisal."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from gptdesk.coloured_text import surprisal
from gptdesk.coloured_text.page import PageColours, escaped, legend, page, span, step_of
from gptdesk.compare.export.rows import FIGURES, row, shown_value
from gptdesk.compare.results import Cell, Results
from gptdesk.inference.scoring.table import bits

LIGHT: Final = PageColours("#FFFFFF", "#1A1D21", "#5C667A", "#2460D8", surprisal.STRONGEST_LIGHT)
DARK: Final = PageColours("#1B1F24", "#E7EAEE", "#98A2B3", "#7AA7FF", surprisal.STRONGEST_DARK)
"""As the window's palettes."""

_STYLE: Final = """\
main { margin: 2rem auto; padding: 0 1.5rem; max-width: 110rem; }
section { border-top: 1px solid var(--quiet); padding: 1rem 0 2rem; }
h1, h2, th, td, footer, .q { font-family: sans-serif; }
h1 { font-size: 1.4rem; }
h2 { font-size: 1rem; margin: 0 0 0.5rem; }
.q { color: var(--quiet); font-size: 0.85rem; }
.p, .t { white-space: pre-wrap; overflow-wrap: anywhere; }
.c { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: 2rem; }
.d { outline: 2px solid var(--bar); outline-offset: 1px; border-radius: 2px; }
.w { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.85rem; margin-top: 1rem; }
th, td { text-align: right; padding: 0.1rem 0 0.1rem 1.5rem; white-space: nowrap; font-weight: normal; }
th:first-child { text-align: left; padding-left: 0; color: var(--quiet); }
footer { color: var(--quiet); font-size: 0.85rem; border-top: 1px solid var(--quiet); padding-top: 1rem; }"""

_SHOWN: Final = 5
"""Alternatives of a distribution that are named."""


def to_html(results: Results) -> bytes:
    """The page in UTF-8. Each token says its figures in a tooltip; a frame marks where texts part from the first."""
    title = " and ".join(column.label for column in results.columns)
    sentences = [f"{results.columns[column].label}: {why}" for column, why in results.failures.items()]
    body = [f"<main><h1>{escaped(title)}</h1>"]
    body += [f'<p class="q">{escaped(sentence)}</p>' for sentence in [*sentences, *results.notices]]
    for prompt in range(len(results.prompts)):
        if results.row(prompt):
            body += _section(results, prompt)
    body += ["<footer>", legend("Surprisal", surprisal.LOW, surprisal.HIGH)]
    body += ["<p>A frame marks the token at which a text parts from the first one.</p></footer></main>"]
    return page(title, light=LIGHT, dark=DARK, style=_STYLE, body="\n".join(body))


def _section(results: Results, prompt: int) -> Iterator[str]:
    yield f'<section><p class="p q">{escaped(results.prompts[prompt])}</p>\n<div class="c">'
    reference = results.reference(prompt)
    assert reference is not None
    places = {
        column: results.parting(prompt, reference, column) for column in results.row(prompt) if column != reference
    }
    for column, cell in results.row(prompt).items():
        marked = {place.first for place in places.values() if place} if column == reference else set()
        if column != reference and (place := places[column]) is not None:
            marked = {place.second}
        yield f"<div><h2>{escaped(results.columns[column].label)}</h2>"
        yield f'<div class="t">{"".join(_tokens(results, column, cell, marked))}</div>'
        for index in sorted(marked):
            yield f'<p class="q">{escaped(_distribution(results, prompt, column, index))}</p>'
        yield "</div>"
    yield '</div><div class="w"><table>'
    yield from _table(results, prompt)
    yield "</table></div></section>"


def _tokens(results: Results, column: int, cell: Cell, marked: set[int]) -> Iterator[str]:
    """The completion, cut into its tokens; those that share a character are one, coloured by their sum."""
    piece = results.tokenizers[column].piece
    place, index, count = 0, 0, len(cell.ids)
    while index < count:
        last = index + 1
        while last < count and cell.ends[last - 1] == place:  # no character is whole yet
            last += 1
        end = min(int(cell.ends[last - 1]), len(cell.text))
        if end > place:
            group = range(index, last)
            amount = bits(-float(cell.logprobs[index:last].sum()))
            title = "\n".join(
                f"“{piece(int(cell.ids[one]))}” {cell.ids[one]} · {bits(-float(cell.logprobs[one])):.2f} bits"
                f" · {math.exp(cell.logprobs[one]):.2%}"
                for one in group
            )
            kinds = ["d"] if marked & set(group) else []
            yield span(cell.text[place:end], step=step_of(surprisal.level(amount)), title=title, kinds=kinds)
        place, index = end, last
    yield escaped(cell.text[place:])


def _distribution(results: Results, prompt: int, column: int, index: int) -> str:
    top = results.top(prompt, column, index)
    if not top:
        return "The text ended where the other one goes on."
    named = ", ".join(f"“{one.text}” {math.exp(one.logprob):.1%}" for one in top[:_SHOWN])
    return f"Where they part: {named}"


def _table(results: Results, prompt: int) -> Iterator[str]:
    columns = list(results.row(prompt))
    figures = [row(results, prompt, column).figures for column in columns]
    labels = "".join(f"<th>{escaped(results.columns[column].label)}</th>" for column in columns)
    yield f"<tr><th></th>{labels}</tr>"
    for name, title in FIGURES.items():
        if any(each[name] is not None for each in figures):
            values = "".join(f"<td>{escaped(shown_value(each[name]))}</td>" for each in figures)
            yield f"<tr><th>{escaped(title)}</th>{values}</tr>"
