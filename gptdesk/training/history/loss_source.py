"""Where the losses of a run in a unit come from: recorded in it, or converted from nats per token."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from gptdesk.loss_units import LOSS_UNITS, VALIDATION_LOSS, LossUnit
from gptdesk.metrics import primary
from gptdesk.training.history.history import RunHistory
from gptdesk.training.history.series import Floats, Series

_NEWEST: Final = 100
"""Newest values by which it is judged whether a run records a unit: a step that learns no text has none."""


@dataclass(frozen=True)
class LossSource:
    """A recorded value and its conversion.

    Attributes:
        key: of a value of step events, or of evaluations.
        unit: of the result.
        bytes_per_token: that the conversion uses; 0 if it needs none, or there is none.
        known: whether the losses can be given in the unit; else all results are NaN.
    """

    key: str
    unit: LossUnit
    bytes_per_token: float = 0.0
    known: bool = True

    def convert(self, values: Floats) -> Floats:
        """Recorded values in the unit, elementwise; the order of values stays the same."""
        if self.key == self.unit.recorded:
            return values
        if not self.known:
            return np.full(len(values), np.nan)
        with np.errstate(over="ignore"):  # the perplexity of a run that diverged
            converted: Floats = self.unit.from_nats(values, self.bytes_per_token)
        return converted


@dataclass(frozen=True)
class LossSources:
    """The sources of the training losses and of the validation losses of a run."""

    training: LossSource
    validation: LossSource


def loss_sources(history: RunHistory, unit: LossUnit) -> LossSources:
    """Where the losses of a run in a unit are read."""
    return LossSources(
        _source(history, unit, primary().key, history.series),
        _source(history, unit, VALIDATION_LOSS, history.evaluated),
    )


def newest_training(history: RunHistory, unit: LossUnit) -> float:
    """The training loss of the newest logged step in a unit; NaN if it is not known."""
    source = loss_sources(history, unit).training
    return _newest(source, history.series(source.key))


def newest_validation(history: RunHistory, unit: LossUnit) -> float:
    """The validation loss of the newest evaluation in a unit; NaN if it is not known."""
    source = loss_sources(history, unit).validation
    return _newest(source, history.evaluated(source.key))


def validation_at(history: RunHistory, unit: LossUnit, step: int) -> float:
    """The validation loss of the evaluation after ``step`` steps in a unit; NaN if it is not known."""
    source = loss_sources(history, unit).validation
    series = history.evaluated(source.key)
    values = source.convert(series.value[series.step == step][-1:])
    return float(values[0]) if len(values) else math.nan


def _newest(source: LossSource, series: Series) -> float:
    values = source.convert(series.value[-1:])
    return float(values[0]) if len(values) else math.nan


def needs_bytes(history: RunHistory) -> bool:
    """Whether the losses of a run can be given in all units only if the bytes per token of its data are known."""
    found = [loss_sources(history, unit) for unit in LOSS_UNITS]
    return not all(source.known for each in found for source in (each.training, each.validation))


def _source(history: RunHistory, unit: LossUnit, in_nats: str, read: Callable[[str], Series]) -> LossSource:
    if unit.recorded and _is_recorded(read(unit.recorded), read(in_nats)):
        return LossSource(unit.recorded, unit)
    if not unit.needs_bytes:
        return LossSource(in_nats, unit)
    known = history.bytes_per_token or 0.0
    return LossSource(in_nats, unit, known, known=known > 0)


def _is_recorded(values: Series, in_nats: Series) -> bool:
    """Whether a value is recorded, or nothing is yet; a loss that is not finite has no value in any unit."""
    newest = slice(-_NEWEST, None)
    return not np.isfinite(in_nats.value[newest]).any() or bool(np.isfinite(values.value[newest]).any())
