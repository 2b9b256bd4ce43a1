"""Writes a comparison as CSV: a row for each prompt and column."""

from __future__ import annotations

from collections.abc import Iterator

from gptdesk.compare.export.rows import FIGURES, rows
from gptdesk.compare.results import Results
from gptdesk.inference.scoring.table import csv_line

_PLACE = ("prompt_number", "prompt", "column", "model", "step", "precision", "settings", "seed", "text")


def as_csv(results: Results) -> Iterator[str]:
    """Lines: names of the columns, and a row for each cell; what is not known is empty."""
    yield csv_line([*_PLACE, *FIGURES])
    for prompt, column, figures in rows(results):
        cell, about = results.cells[prompt, column], results.columns[column]
        place = [prompt + 1, results.prompts[prompt], about.label, about.model, about.step, cell.precision]
        yield csv_line([*place, about.settings_line, cell.seed, cell.text, *figures.values()])
