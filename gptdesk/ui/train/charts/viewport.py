"""Which part of the axis all charts of a page show, and where the pointer is on it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from PySide6.QtCore import QObject, Signal

from gptdesk.bounded_read import number
from gptdesk.ui.train.charts.points import SMALLEST_X
from gptdesk.ui.train.charts.settings import ChartSettings, PlottedRun

_FILLED: Final = 0.8
"""Of the width, before the whole plan of a run, or twice as much of it, is shown."""

_AHEAD: Final = 0.05
"""Of the width, kept free before the newest point where a part is followed."""

_NARROWEST: Final = 1e-9


class Viewport(QObject):
    """The stretch from `low` to `high`, logarithms to base 10 where the axis is logarithmic.

    Attributes:
        zoomed: the person chose it; else everything is shown.
        place: of the pointer; None where it is elsewhere.

    Signals:
        moved(): another stretch is shown.
        pointed(): the pointer is elsewhere.
        left_newest(): the person has moved to where the newest point cannot be seen.
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
        """Shows the runs from their first step, as far as they have come and a part of what is planned."""
        self.zoomed = False
        self._newest = newest_place(runs, settings)
        self._show(*_whole(runs, settings))

    def follow(self, runs: Sequence[PlottedRun], settings: ChartSettings) -> None:
        """Shows what has come since: more of the axis, or, of a part that was chosen, the newest stretch as long."""
        if not self.zoomed:
            self.fit(runs, settings)
            return
        before, self._newest = self._newest, newest_place(runs, settings)
        ahead = _AHEAD * (self.high - self.low)
        if self._newest > before and self._newest > self.high - ahead:
            shift = self._newest + ahead - self.high
            self._show(self.low + shift, self.high + shift)

    def catch_up(self, runs: Sequence[PlottedRun], settings: ChartSettings) -> None:
        """Goes to the newest point, where it is out of sight."""
        if not self.zoomed or not self.low <= newest_place(runs, settings) <= self.high:
            self.fit(runs, settings)

    def choose(self, low: float, high: float) -> None:
        """Shows the stretch that the person wants to see."""
        if not (math.isfinite(low) and math.isfinite(high)) or high - low < _NARROWEST * max(1.0, abs(high)):
            return
        self.zoomed = True
        self._show(low, high)
        if not low <= self._newest <= high:
            self.left_newest.emit()

    def point(self, place: float | None) -> None:
        """Moves the pointer's line."""
        if place != self.place:
            self.place = place
            self.pointed.emit()

    def _show(self, low: float, high: float) -> None:
        if (low, high) != (self.low, self.high):
            self.low, self.high = low, high
            self.moved.emit()


def newest_place(runs: Sequence[PlottedRun], settings: ChartSettings) -> float:
    """Where the run at hand has come to."""
    x = _reached(runs[0], settings.axis) if runs else 0.0
    return math.log10(max(x, SMALLEST_X)) if settings.log_x else x


def _whole(runs: Sequence[PlottedRun], settings: ChartSettings) -> tuple[float, float]:
    reached = max((_reached(run, settings.axis) for run in runs), default=0.0)
    end = max(reached, _horizon(runs[0], settings.axis) if runs else 0.0) or 1.0
    if not settings.log_x:
        return 0.0, end
    first = min((float(x[0]) for run in runs if len(x := run.history.series("loss").x(settings.axis))), default=1.0)
    low = math.log10(max(first, SMALLEST_X))
    return low, max(math.log10(end), low + 0.1)


def _reached(run: PlottedRun, axis: str) -> float:
    ends = [x[-1] for series in (run.history.series("loss"), run.history.validation) if len(x := series.x(axis))]
    return float(np.max(ends)) if ends else 0.0


def _horizon(run: PlottedRun, axis: str) -> float:
    """As much of the plan as is a half, a quarter, ... of it, so that the curve neither fills the chart nor is lost."""
    facts = run.history.facts
    steps = number(run.steps or facts.get("steps"), 0.0)
    planned = {"step": steps, "tokens": steps * number(facts.get("tokens_per_step"), 0.0)}.get(axis, 0.0)
    reached = _reached(run, axis)
    if not planned or not reached:
        return planned
    while reached <= planned / 2 * _FILLED:
        planned /= 2
    return planned
