"""The visible x range and the pointer position, shared by all charts of a page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from PySide6.QtCore import QObject, Signal

from gptdesk.bounded_read import number
from gptdesk.metrics import primary
from gptdesk.ui.train.charts.curves.curve import SMALLEST_X
from gptdesk.ui.train.charts.settings import ChartSettings, PlottedRun

_FILLED: Final = 0.8
"""Share of the width that a run must fill before more of its planned steps is shown."""

_AHEAD: Final = 0.05
"""Share of the width kept free right of the newest point while a part is followed."""

_NARROWEST: Final = 1e-9


class Viewport(QObject):
    """The range from `low` to `high`; logarithms to base 10 where the axis is logarithmic.

    Attributes:
        zoomed: the user chose the range; else everything is shown.
        place: x coordinate of the pointer; None while it is elsewhere.

    Signals:
        moved(): emitted when the range changes.
        pointed(): emitted when `place` changes.
        left_newest(): the user moved to a range without the newest point.
    """

    moved = Signal()
    pointed = Signal()
    left_newest = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.low, self.high = 0.0, 1.0
        self.zoomed = False
        self.place: float | None = None
        self._newest = 0.0

    def fit(self, runs: Sequence[PlottedRun], settings: ChartSettings) -> None:
        """Shows the runs from their first step to the newest, with a part of the planned steps."""
        self.zoomed = False
        self._newest = newest_place(runs, settings)
        self._show(*_whole(runs, settings))

    def follow(self, runs: Sequence[PlottedRun], settings: ChartSettings) -> None:
        """Follows new points: extends the range, or moves a chosen range of the same length to the newest point."""
        if not self.zoomed:
            self.fit(runs, settings)
            return
        before, self._newest = self._newest, newest_place(runs, settings)
        ahead = _AHEAD * (self.high - self.low)
        if self._newest > before and self._newest > self.high - ahead:
            shift = self._newest + ahead - self.high
            self._show(self.low + shift, self.high + shift)

    def catch_up(self, runs: Sequence[PlottedRun], settings: ChartSettings) -> None:
        """Moves to the newest point if it is not visible."""
        if not self.zoomed or not self.low <= newest_place(runs, settings) <= self.high:
            self.fit(runs, settings)

    def choose(self, low: float, high: float) -> None:
        """Shows a range that the user chose."""
        if not (math.isfinite(low) and math.isfinite(high)) or high - low < _NARROWEST * max(1.0, abs(high)):
            return
        self.zoomed = True
        self._show(low, high)
        if not low <= self._newest <= high:
            self.left_newest.emit()

    def point(self, place: float | None) -> None:
        """Moves the crosshair."""
        if place != self.place:
            self.place = place
            self.pointed.emit()

    def _show(self, low: float, high: float) -> None:
        if (low, high) != (self.low, self.high):
            self.low, self.high = low, high
            self.moved.emit()


def newest_place(runs: Sequence[PlottedRun], settings: ChartSettings) -> float:
    """X coordinate of the newest point of the selected run."""
    x = _reached(runs[0], settings.axis) if runs else 0.0
    return math.log10(max(x, SMALLEST_X)) if settings.log_x else x


def _whole(runs: Sequence[PlottedRun], settings: ChartSettings) -> tuple[float, float]:
    reached = max((_reached(run, settings.axis) for run in runs), default=0.0)
    end = max(reached, _horizon(runs[0], settings.axis) if runs else 0.0) or 1.0
    if not settings.log_x:
        return 0.0, end
    first = min(
        (float(x[0]) for run in runs if len(x := run.history.series(primary().key).x(settings.axis))), default=1.0
    )
    low = math.log10(max(first, SMALLEST_X))
    return low, max(math.log10(end), low + 0.1)


def _reached(run: PlottedRun, axis: str) -> float:
    ends = [x[-1] for series in (run.history.series(primary().key), run.history.validation) if len(x := series.x(axis))]
    return float(np.max(ends)) if ends else 0.0


def _horizon(run: PlottedRun, axis: str) -> float:
    """A half, a quarter, ... of the planned length, so that the curve neither fills the chart nor is lost in it."""
    facts = run.history.facts
    steps = number(run.steps or facts.get("steps"), 0.0)
    planned = {"step": steps, "tokens": steps * number(facts.get("tokens_per_step"), 0.0)}.get(axis, 0.0)
    reached = _reached(run, axis)
    if not planned or not reached:
        return planned
    while reached <= planned / 2 * _FILLED:
        planned /= 2
    return planned
