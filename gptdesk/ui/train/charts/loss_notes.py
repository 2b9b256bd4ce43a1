"""Says of which runs the losses are converted to the unit of the chart, or cannot be given in it."""

from __future__ import annotations

from collections.abc import Sequence

from gptdesk.loss_units import LossUnit
from gptdesk.training.history.loss_source import LossSources
from gptdesk.ui.number_format import decimal
from gptdesk.ui.train.charts.painting.run_lines import RunLines


def loss_notes(lines: Sequence[RunLines], unit: LossUnit) -> str:
    """One sentence for each run whose losses were not recorded in a unit that depends on the text; "" for none."""
    notes = [_note(each.run.name, each.sources, unit) for each in lines if each.sources is not None]
    return " ".join(filter(None, notes))


def _note(name: str, sources: LossSources, unit: LossUnit) -> str:
    for source in (sources.training, sources.validation):
        if not source.known:
            return (
                f"“{name}” recorded no {unit.noun}, and its data does not say how many bytes its tokens stand for: "
                f"not available."
            )
        if source.bytes_per_token:
            size = decimal(source.bytes_per_token, 2)
            return f"“{name}” recorded no {unit.noun}: converted at {size} bytes per token, the mean of its data."
    return ""
