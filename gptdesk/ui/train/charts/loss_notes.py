"""Notes on runs whose losses are converted to the unit of the chart, or cannot be given in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gptdesk.loss_units import LossUnit
from gptdesk.training.history.loss_source import LossSources
from gptdesk.ui.number_format import decimal
from gptdesk.ui.train.charts.painting.run_lines import RunLines


class LossNote(NamedTuple):
    """A few words, and a sentence with the reason."""

    text: str
    reason: str


def loss_notes(lines: Sequence[RunLines], unit: LossUnit) -> list[LossNote]:
    """A note for each run that did not record its losses in a unit that depends on the text."""
    notes = [_note(each.run.name, each.sources, unit) for each in lines if each.sources is not None]
    return [note for note in notes if note is not None]


def _note(name: str, sources: LossSources, unit: LossUnit) -> LossNote | None:
    for source in (sources.training, sources.validation):
        if not source.known:
            return LossNote(
                f"“{name}”: {unit.noun} not available",
                f"“{name}” did not record {unit.noun}, and how many bytes a token of its data stands for is not known.",
            )
        if source.bytes_per_token:
            size = decimal(source.bytes_per_token, 2)
            return LossNote(
                f"“{name}”: converted at {size} bytes per token",
                f"“{name}” did not record {unit.noun}: its losses are converted at the mean of its data.",
            )
    return None
