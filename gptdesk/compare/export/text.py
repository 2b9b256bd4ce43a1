"""Writes the results of one prompt for a terminal: texts, a table of figures, and where they part."""

from __future__ import annotations

import math
from collections.abc import Iterator

from gptdesk.compare.export.rows import FIGURES, row, shown_value
from gptdesk.compare.results import Results
from gptdesk.inference.events import Alternative

_SHOWN = 3
"""Alternatives of a distribution that are shown."""


def prompt_lines(results: Results, prompt: int) -> Iterator[str]:
    """Lines on a prompt that at least one column has completed."""
    cells = results.row(prompt)
    if len(results.prompts) > 1:
        yield f"=== prompt {prompt + 1:,} of {len(results.prompts):,}: {_one_line(results.prompts[prompt], 60)}\n"
    for column, cell in cells.items():
        yield f"--- {results.columns[column].label}\n{cell.text}\n"
    yield "---\n"
    yield from _table(results, prompt)
    yield from _partings(results, prompt)
    yield "\n"


def _table(results: Results, prompt: int) -> Iterator[str]:
    columns = list(results.row(prompt))
    figures = [row(results, prompt, column).figures for column in columns]
    lines = [["", *(results.columns[column].label for column in columns)]]
    lines += [
        [title, *(shown_value(each[name]) for each in figures)]
        for name, title in FIGURES.items()
        if any(each[name] is not None for each in figures)
    ]
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    for first, *rest in lines:
        cells = (f"{text:>{width}}" for text, width in zip(rest, widths[1:], strict=True))
        yield f"{first:<{widths[0]}}  {'  '.join(cells)}\n"


def _partings(results: Results, prompt: int) -> Iterator[str]:
    reference = results.reference(prompt)
    assert reference is not None
    for column in results.row(prompt):
        place = results.parting(prompt, reference, column) if column != reference else None
        if place is None:
            continue
        yield f"{results.columns[column].label} parts at character {place.character:,}:\n"
        for each, index in ((reference, place.first), (column, place.second)):
            yield f"  {results.columns[each].label}: {_top(results.top(prompt, each, index))}\n"


def _top(top: tuple[Alternative, ...]) -> str:
    if not top:
        return "ended there"
    return "  ".join(f"{_one_line(one.text, 20)!r} {math.exp(one.logprob):.1%}" for one in top[:_SHOWN])


def _one_line(text: str, longest: int) -> str:
    line = " ".join(text.split()) if longest > 20 else text
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
