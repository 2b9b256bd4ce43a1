"""Exports the values of charts as CSV."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final, TextIO

import numpy as np

from gptdesk.errors import UserError
from gptdesk.files import replacing
from gptdesk.loss_units import LOSS_UNITS, LossUnit
from gptdesk.metrics import metric, primary
from gptdesk.training.history.history import RunHistory
from gptdesk.training.history.loss_source import loss_sources
from gptdesk.training.history.series import Floats, Series
from gptdesk.ui.train.charts.export.failure import why_not_saved
from gptdesk.ui.train.charts.settings import PlottedRun

_ROWS_AT_ONCE: Final = 4_096

Read = Callable[[RunHistory], Series]


def write_csv(runs: Sequence[PlottedRun], charts: Sequence[str], path: Path, *, unit: LossUnit = LOSS_UNITS[0]) -> None:
    """Writes a table of all points that count, in full precision: a row for every step of every run.

    Args:
        runs: to be written one after the other.
        charts: keys of the metrics.
        path: of the file.
        unit: of the losses.

    Raises:
        UserError: when it cannot be written; a file that was there is then as it was.
    """
    columns = _columns(charts, unit)
    try:
        with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["run", "step", "tokens", "seconds", *columns, unit.validation_column])
            for run in runs:
                _write_run(run, columns, unit, file)
    except OSError as error:
        raise UserError(why_not_saved(path, error)) from error


def _columns(charts: Sequence[str], unit: LossUnit) -> dict[str, Read]:
    """What is read for each column, by its name; the losses come in their unit."""
    columns: dict[str, Read] = {}
    for each in map(metric, charts):
        if each == primary():
            columns[unit.key] = partial(_training, unit=unit)
        else:
            for key in each.keys:
                columns.setdefault(each.column(key), partial(RunHistory.series, metric=key))
    return columns


def _training(history: RunHistory, unit: LossUnit) -> Series:
    source = loss_sources(history, unit).training
    series = history.series(source.key)
    return replace(series, value=source.convert(series.value))


def _validation(history: RunHistory, unit: LossUnit) -> Series:
    source = loss_sources(history, unit).validation
    series = history.evaluated(source.key)
    return replace(series, value=source.convert(series.value))


def _write_run(run: PlottedRun, columns: Mapping[str, Read], unit: LossUnit, file: TextIO) -> None:
    table = _table([read(run.history) for read in columns.values()], _validation(run.history, unit))
    writer = csv.writer(file)
    for start in range(0, len(table), _ROWS_AT_ONCE):
        rows = table[start : start + _ROWS_AT_ONCE].tolist()
        writer.writerows(
            [run.name, int(step), int(tokens), *("" if value != value else value for value in values)]
            for step, tokens, *values in rows
        )


def _table(series: Sequence[Series], validation: Series) -> Floats:
    """(rows, 4 + metrics): step, tokens, seconds, the metrics and the validation loss; NaN where there is none.

    An evaluation after a step that was not logged has a row of its own.
    """
    length = min((len(one) for one in series), default=0)
    logged = series[0].step[:length] if series else np.empty(0)
    steps = np.union1d(logged, validation.step)
    table = np.full((len(steps), 4 + len(series)), np.nan)
    table[:, 0] = steps
    places = np.searchsorted(steps, validation.step)
    table[places, 1], table[places, 2], table[places, -1] = validation.tokens, validation.time, validation.value
    places = np.searchsorted(steps, logged)
    for number, one in enumerate(series):
        table[places, 1], table[places, 2] = one.tokens[:length], one.time[:length]
        table[places, 3 + number] = one.value[:length]
    table[np.isnan(table[:, 1]), 1] = 0
    return table
