"""A curve's points as they are drawn: smoothed, on a logarithmic axis or not, thinned out to what a screen can show."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from gptdesk.training.history import RunHistory
from gptdesk.training.series import Series, decimate
from gptdesk.training.smoothing import smooth, with_gaps

Floats = npt.NDArray[np.float64]

SMALLEST_X: Final = 1e-3
"""Where a logarithmic axis begins at the latest; steps and tokens are counted from one."""

_FORGOTTEN: Final = 1e-12
"""Weight below which the past no longer shows in an average."""

_MOST_GAPS: Final = 2_000
"""Breaks of a line that are drawn; beyond this a screen shows none of them."""


@dataclass(frozen=True)
class Points:
    """Points of one line; where ``y`` is not a number, the line is broken."""

    x: Floats
    y: Floats

    @property
    def finite(self) -> Floats:
        """Those values that are numbers."""
        return self.y[np.isfinite(self.y)]


NO_POINTS: Final = Points(np.empty(0), np.empty(0))


def to_view(values: Floats, *, log: bool) -> Floats:
    """Values as an axis counts them; what has no logarithm becomes "not a number"."""
    if not log:
        return values
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(values > 0, np.log10(values), np.nan)


class Curve:
    """One metric of one run, kept up with its history; what was worked out before is not worked out again.

    Args:
        history: of the run.
        metric: one of `METRICS`, or "validation".
    """

    def __init__(self, history: RunHistory, metric: str) -> None:
        self._history, self._metric = history, metric
        self._version = -1
        self._way: tuple[str, bool, float] | None = None
        self.series = self._read()
        self.x: Floats = np.empty(0)
        self.smooth: Floats = np.empty(0)
        self._breaks: npt.NDArray[np.intp] = np.empty(0, np.intp)

    def _read(self) -> Series:
        return self._history.validation if self._metric == "validation" else self._history.series(self._metric)

    def update(self, axis: str, *, log_x: bool, smoothing: float) -> None:
        """Makes ready what has come since the last call, or what another way to draw asks for."""
        way = (axis, log_x, smoothing)
        if self._version == self._history.version and way == self._way:
            return
        old, before = self.series, self._way
        self._version = self._history.version  # first: what comes meanwhile is read the next time
        self.series = self._read()
        known = len(self.smooth) if _goes_on(old, self.series, len(self.smooth)) else 0
        self._find_breaks(known)
        self._place(axis, log_x, known if before and before[:2] == way[:2] else 0)
        kept = known if before and before[2] == smoothing else 0
        self.smooth = _extended(self.smooth[:kept], self.series, smoothing)
        self._way = way

    def _place(self, axis: str, log_x: bool, known: int) -> None:
        x = self.series.x(axis)
        fresh = np.log10(np.maximum(x[known:], SMALLEST_X)) if log_x else x[known:]
        self.x = np.concatenate([self.x[:known], fresh]) if known else fresh

    def _find_breaks(self, known: int) -> None:
        """Where the line is broken though both ends are numbers; those that were known stay."""
        start = max(0, known - 3)  # whether there is a gap shows two points later, and beside the point before
        breaks = np.flatnonzero(with_gaps(self.series.step[start:], self.series.value[start:])) + start
        if start:
            breaks = np.concatenate([self._breaks[self._breaks <= start], breaks[breaks > start]])
        self._breaks = breaks

    def raw_points(self, low: float, high: float, pixels: int, *, log_y: bool) -> Points:
        """What was recorded, between two places of the axis."""
        return self._points(self.series.value, low, high, pixels, log_y=log_y)

    def smooth_points(self, low: float, high: float, pixels: int, *, log_y: bool) -> Points:
        """The average, between two places of the axis."""
        return self._points(self.smooth, low, high, pixels, log_y=log_y)

    def _points(self, values: Floats, low: float, high: float, pixels: int, *, log_y: bool) -> Points:
        if not len(values):
            return NO_POINTS
        x, y = decimate(self.x, values, low, high, pixels)
        breaks = self._breaks[: len(values) - 1] if len(self._breaks) else self._breaks
        if len(breaks):
            places = self.x[breaks[breaks < len(self.x)]]
            places = places[(places >= low) & (places <= high)][-_MOST_GAPS:]
            at = np.searchsorted(x, places, side="right")
            at = at[at < len(x)]
            x, y = np.insert(x, at, x[at]), np.insert(y, at, math.nan)
        return Points(x, to_view(y, log=log_y))

    def nearest(self, place: float) -> int | None:
        """The number of the point that is nearest to a place of the axis; None when there is none."""
        if not len(self.x) or not math.isfinite(place):
            return None
        right = int(np.searchsorted(self.x, place))
        if right == 0:
            return 0
        if right == len(self.x):
            return right - 1
        return right if self.x[right] - place < place - self.x[right - 1] else right - 1


def _goes_on(old: Series, new: Series, known: int) -> bool:
    """Whether ``new`` has the first ``known`` points of ``old`` and more, judged by the last of them."""
    if known == 0 or len(old.step) < known or len(new.step) < known:
        return False
    last = known - 1
    same_value = old.value[last] == new.value[last] or (math.isnan(old.value[last]) and math.isnan(new.value[last]))
    return bool(old.step[last] == new.step[last] and old.time[last] == new.time[last] and same_value)


def _extended(known: Floats, series: Series, factor: float) -> Floats:
    """The averages of all values, of which the first are ``known``.

    An average forgets: the newest ones are worked out from the last values alone, as many as still count.
    """
    values = series.value
    if factor == 0:
        return values
    memory = math.ceil(math.log(_FORGOTTEN) / math.log(factor))
    start = len(known) - memory
    if start <= 0:
        return smooth(values, factor)
    return np.concatenate([known, smooth(values[start:], factor)[memory:]])
