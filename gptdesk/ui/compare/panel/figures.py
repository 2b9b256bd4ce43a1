"""Figures of the texts: speed, log-probability, variety, repetition, length, and what differs from the first one."""

from __future__ import annotations

from typing import Any

from gptdesk.compare.export.rows import FIGURES, row
from gptdesk.compare.results import Results
from gptdesk.ui import number_format


def figure_rows(results: Results, prompt: int, columns: list[int]) -> list[list[str]]:
    """Title and values of each figure that any of these columns has; "–" for what is not known."""
    figures = [row(results, prompt, column).figures if (prompt, column) in results.cells else {} for column in columns]
    return [
        [title, *(shown(name, one.get(name)) for one in figures)]
        for name, title in FIGURES.items()
        if any(one.get(name) is not None for one in figures)
    ]


def shown(name: str, value: Any) -> str:
    """A figure as people read it."""
    if value is None:
        return "–"
    if isinstance(value, float):
        if 0 < abs(value) < 1e-3:
            return f"{value:.0e}"
        size = abs(value)
        return number_format.decimal(value, 1 if name == "tokens_per_s" or size >= 100 else 2 if size >= 10 else 3)
    return number_format.count(value) if isinstance(value, int) else str(value).replace("_", " ")
