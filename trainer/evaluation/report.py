"""Reports the results of several models as JSON and as tables beside published results."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gptdesk.errors import UserError
from gptdesk.files import write_json
from trainer.evaluation.published import published
from trainer.evaluation.tasks import Measured


@dataclass(frozen=True)
class Result:
    """What one model reached in one task.

    Attributes:
        model: its name.
        seconds: that the task took; the same for all results that came from one pass.
    """

    model: str
    measured: Measured
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Ready for JSON; figures that are not finite become null."""
        values = asdict(self.measured)
        values["metrics"] = {name: value if math.isfinite(value) else None for name, value in values["metrics"].items()}
        beside = [asdict(row) for row in published(self.measured.task)]
        return {"model": self.model, **values, "seconds": round(self.seconds, 3), "published": beside}


def write_results(path: Path, results: Sequence[Result], *, complete: bool, **about: Any) -> None:
    """Replaces the file of results.

    Args:
        complete: whether all that was asked for is there.
        about: what else is recorded: models, device, versions.

    Raises:
        UserError: when the file cannot be written.
    """
    values = {"version": 1, "complete": complete, **about, "results": [result.to_json() for result in results]}
    try:
        write_json(path, values)
    except OSError as error:
        raise UserError(f"The results cannot be written to {path} ({error.strerror}).") from None


def format_results(results: Sequence[Result]) -> str:
    """A table for each task and data: models below each other, published figures below them, and how all came about."""
    groups: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        found = result.measured
        groups.setdefault((found.task, str(sorted(found.source.items()))), []).append(result)
    return "\n\n".join(_format_group(group) for group in groups.values())


def _format_group(group: Sequence[Result]) -> str:
    first = group[0].measured
    columns = list(first.metrics)
    notes: list[str] = []
    rows = [["", *columns, ""]]
    for result in group:
        counts = ", ".join(f"{count:,} {name}" for name, count in result.measured.counts.items())
        rows.append(
            [
                result.model,
                *_cells(result.measured.metrics, columns),
                _note(f"{counts}: {result.measured.protocol}", notes),
            ]
        )
    beside = published(first.task)
    if beside:
        rows.append(["published:", *[""] * len(columns), ""])
    for row in beside:
        remark = "; ".join(filter(None, (row.source, row.remark)))
        rows.append([row.model, *_cells(row.metrics, columns), _note(remark, notes)])
    return "\n".join([first.title, *_align(rows), *(f"  [{i}] {note}" for i, note in enumerate(notes, 1))])


def _note(text: str, notes: list[str]) -> str:
    """The mark of a footnote, which is added when it is new."""
    if text not in notes:
        notes.append(text)
    return f"[{notes.index(text) + 1}]"


def _cells(metrics: Mapping[str, float], columns: Sequence[str]) -> list[str]:
    return [_figure(column, metrics[column]) if column in metrics else "" for column in columns]


def _figure(name: str, value: float) -> str:
    """Losses and shares with four digits after the point, perplexities with two."""
    return f"{value:,.2f}" if name == "perplexity" or name.startswith("per_") else f"{value:.4f}"


def _align(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns of equal width, names to the left and figures to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    lines = []
    for name, *figures, remark in rows:
        cells = [f"{figure:>{width}}" for figure, width in zip(figures, widths[1:], strict=True)]
        lines.append("  ".join(["", f"{name:<{widths[0]}}", *cells, remark]).rstrip())
    return lines
