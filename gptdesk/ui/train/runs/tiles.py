"""Figures of a run, each with an explanation on hover, and its progress."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QLayout, QProgressBar, QSizePolicy, QVBoxLayout, QWidget

from gptdesk.bounded_read import number
from gptdesk.loss_units import LARGEST_CONVERTED, LOSS_UNITS, LossUnit
from gptdesk.metrics import metric
from gptdesk.training.history.history import RunHistory
from gptdesk.training.history.loss_source import newest_training, newest_validation, validation_at
from gptdesk.training.index import RunEntry
from gptdesk.ui.fonts import smaller
from gptdesk.ui.number_format import count, decimal, metric_value, percent, span
from gptdesk.ui.train.runs.tile import DIGIT, NOTHING, Tile
from gptdesk.ui.widgets.elided_label import ElidedLabel

_PER_MILLE: Final = 1000
_GAP: Final = 8

_WAYS: Final = ((1, ""), (1, "some"), (2, ""), (2, "some"), (2, "much"))
"""Rows and density: the first pair that fits is used."""

_MFU_HELP: Final = (
    "Model FLOP/s utilization: share of the peak performance of the hardware that the model uses.\n"
    "MFU = (6 N + 12 L C T) × tokens per second ÷ peak FLOP/s of all devices,\n"
    "with N weights, L blocks, C the width and T the context length (Chowdhery et al. 2022, appendix B)."
)
_MEMORY_HELP: Final = "Peak memory of the training process so far{where}. MFU is not known for this hardware."


class Tiles(QWidget):
    """Step, losses, speed, utilization (or memory) and time left; below them the progress of the run."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.step, self.loss, self.validation = Tile("Step"), Tile("Train loss"), Tile("Validation")
        self.speed, self.use, self.left = Tile("Tokens/s"), Tile("MFU"), Tile("Time left")
        self.tiles = (self.step, self.loss, self.validation, self.speed, self.use, self.left)
        self.bar = QProgressBar()
        self.bar.setRange(0, _PER_MILLE)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of the run")
        self.note = ElidedLabel()
        self.note.setProperty("kind", "muted")
        self.note.setFont(smaller(self.font()))
        self._unit = LOSS_UNITS[0]
        self._shown: tuple[RunEntry, RunHistory] | None = None
        self._grid = QGridLayout()
        self._grid.setSpacing(_GAP)
        self._arranged: tuple[int, str, list[int]] | None = None
        self._arranged_for: tuple[object, ...] = ()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(_GAP)
        layout.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)  # two rows are narrower than the one shown
        layout.addLayout(self._grid)
        layout.addWidget(self.bar)
        layout.addWidget(self.note)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._arrange()

    def minimumSizeHint(self) -> QSize:
        """Width of two rows."""
        columns = len(self.tiles) // 2
        width = max(tile.minimumSizeHint().width() for tile in self.tiles)
        return QSize(columns * width + (columns - 1) * _GAP, super().minimumSizeHint().height())

    def show_run(self, entry: RunEntry, history: RunHistory) -> None:
        """Shows the present figures."""
        self._shown = entry, history
        last, facts = history.last, history.facts
        step, steps = entry.step, entry.steps
        self._show_step(step, steps, last, facts)
        loss = entry.loss if entry.loss is not None else number(last.get("loss"), None)
        recorded = partial(newest_training, history)
        in_units, name = _in_all_units(loss, recorded), _name(self._unit)
        self.loss.show_figure(
            _loss(_in_unit(loss, recorded, self._unit)), f"Training loss of the newest step, in {name}{in_units}"
        )
        self._show_validation(entry, history)
        speed = number(last.get("tokens_per_s"), None)
        self.speed.show_figure(
            NOTHING if speed is None else metric_value(metric("tokens_per_s").format, speed),
            metric("tokens_per_s").description,
        )
        self._show_use(last, facts)
        self._show_time(entry)
        self._arrange()

    def set_unit(self, unit: LossUnit) -> None:
        """Shows losses in a unit from now on."""
        self._unit = unit
        if self._shown is not None:
            self.show_run(*self._shown)

    def _show_step(self, step: int | None, steps: int | None, last: dict[str, Any], facts: dict[str, Any]) -> None:
        done = NOTHING if step is None else count(step)
        self.step.show_figure(
            f"{done} / {count(steps)}" if steps else done,
            "Optimizer steps taken, of those planned.",
        )
        share = min(1.0, (step or 0) / steps) if steps else 0.0
        self.bar.setValue(round(_PER_MILLE * share))
        self.bar.setToolTip(f"{percent(share)} of the planned steps")

    def _show_validation(self, entry: RunEntry, history: RunHistory) -> None:
        values = history.validation.value
        newest = history.final_validation
        if newest is None and len(values):
            newest = float(values[-1])
        unit, recorded = self._unit, partial(newest_validation, history)
        in_units = _in_all_units(newest, recorded)
        help = f"Loss on text that the model does not train on, in {_name(unit)}{in_units}"
        notes = _notes(history)
        if entry.best_loss is not None and entry.best_step is not None:
            best = _in_unit(entry.best_loss, lambda unit: validation_at(history, unit, entry.best_step or 0), unit)
            if math.isfinite(best):
                notes.append(f"best validation {decimal(best, 3)} at step {count(entry.best_step)}")
                help += f"\nBest so far: {decimal(best, 4)} at step {count(entry.best_step)}."
        self.validation.show_figure(_loss(_in_unit(newest, recorded, unit)), help)
        self.note.setText("  ·  ".join(notes))

    def _show_use(self, last: dict[str, Any], facts: dict[str, Any]) -> None:
        mfu, held = number(last.get("mfu"), None), number(last.get("memory"), None)
        if mfu is None and held is not None:
            where = f" on {facts['device']}" if facts.get("device") else ""
            text = metric_value(metric("memory").format, held)
            self.use.show_figure(text, _MEMORY_HELP.format(where=where), metric("memory").title)
            return
        text = NOTHING if mfu is None else metric_value(metric("mfu").format, mfu)
        self.use.show_figure(text, _MFU_HELP, metric("mfu").title)

    def _show_time(self, entry: RunEntry) -> None:
        left = entry.seconds_left if entry.active else None
        self.left.show_figure(
            NOTHING if left is None else span(left),
            "Remaining steps times the median time of a step; without evaluations and checkpoints.",
        )

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        """Arranges the tiles in one row or two, with one font size, each as wide as its figure needs."""
        words = tuple(DIGIT.sub("0", tile.name.text() + tile.figure.text()) for tile in self.tiles)
        if (self.width(), self.font(), words) == self._arranged_for:
            return
        self._arranged_for = (self.width(), self.font(), words)
        rows, tight = next((way for way in _WAYS if sum(self._widths(*way)) <= self._room(way[0])), _WAYS[-1])
        columns = len(self.tiles) // rows
        wanted = self._widths(rows, tight)
        if (rows, tight, wanted) == self._arranged:
            return
        self._arranged = (rows, tight, wanted)
        for place, tile in enumerate(self.tiles):
            self._grid.addWidget(tile, place // columns, place % columns)
            tile.figure.set_tight(tight)
        for column in range(len(self.tiles)):
            self._grid.setColumnStretch(column, wanted[column] if column < columns else 0)

    def _room(self, rows: int) -> int:
        return self.width() - _GAP * (len(self.tiles) // rows - 1)

    def _widths(self, rows: int, tight: str) -> list[int]:
        """Pixels that each column needs."""
        widths, columns = [tile.wanted_width(tight) for tile in self.tiles], len(self.tiles) // rows
        return [max(widths[column::columns]) for column in range(columns)]


def _notes(history: RunHistory) -> list[str]:
    tokens, epoch = number(history.last.get("tokens"), None), number(history.last.get("epoch"), None)
    notes = [] if tokens is None else [f"{count(round(tokens))} tokens"]
    return notes if epoch is None else [*notes, f"{decimal(epoch, 2)} epochs"]


def _name(unit: LossUnit) -> str:
    return unit.title.lower()


def _in_unit(loss: float | None, recorded: Callable[[LossUnit], float], unit: LossUnit) -> float:
    """A loss in a unit; NaN if it is not known in it.

    Args:
        loss: in nats per token.
        recorded: returns the loss in a unit that depends on the text.
        unit: of the result.
    """
    if loss is None or not math.isfinite(loss):
        return math.nan
    if unit == LOSS_UNITS[0]:
        return loss
    if loss > LARGEST_CONVERTED:
        return math.nan
    return float(recorded(unit) if unit.needs_bytes else unit.from_nats(loss, 0.0))


def _loss(value: float) -> str:
    return NOTHING if not math.isfinite(value) else decimal(value, 2)


def _in_all_units(loss: float | None, recorded: Callable[[LossUnit], float]) -> str:
    """A colon and a line for each unit in which a loss is known; a full stop if there is no loss.

    Args:
        loss: in nats per token.
        recorded: returns the newest loss in a unit that depends on the text.
    """
    if loss is None or not math.isfinite(loss) or loss > LARGEST_CONVERTED:
        return "."
    values = [(unit, _in_unit(loss, recorded, unit)) for unit in LOSS_UNITS]
    lines = [f"{unit.title}: {decimal(value, unit.digits)}" for unit, value in values if math.isfinite(value)]
    return "\n".join([":", *lines])
