"""A curve's points as they are drawn: smoothed, on a logarithmic axis or not, thinned out to what a screen can show."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gptdesk.training.history.history import RunHistory
from gptdesk.training.history.series import Series, Table, decimate
from gptdesk.training.history.smoothing import smooth, with_gaps

Floats = npt.NDArray[np.float64]
Elsewhere = Callable[[Callable[[], Any], Callable[[Any], None]], None]
"""Takes what is to be done in another thread, and who is told the result in this one."""

AT_ONCE: Final = 50_000
"""Points that are worked out in the thread that paints: 2 milliseconds, or a tenth of the time for a frame."""

SMALLEST_X: Final = 1e-3
"""Where a logarithmic axis begins at the latest; steps and tokens are counted from one."""

_FORGOTTEN: Final = 1e-12
"""Weight below which the past no longer shows in an average."""

_FEW: Final = 500
"""Values that are averaged faster one after the other than all together."""

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


_NOTHING: Final = Series(np.empty(0), np.empty(0), np.empty(0), np.empty(0))
NO_POINTS: Final = Points(np.empty(0), np.empty(0))


def to_view(values: Floats, *, log: bool) -> Floats:
    """Values as an axis counts them; what has no logarithm becomes "not a number"."""
    if not log:
        return values
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(values > 0, np.log10(values), np.nan)


@dataclass(frozen=True)
class _Worked:
    """What one way to draw a series needs. Of the tables the first rows count, as many as the series has.

    Attributes:
        way: axis, whether it is logarithmic, and smoothing.
        places: on a logarithmic axis; else None.
        averages: where there is smoothing; else None.
        counted: values that have entered the average.
        breaks: numbers of the points after which the line is broken though both ends are numbers.
    """

    series: Series
    way: tuple[str, bool, float]
    places: Table | None
    averages: Table | None
    counted: int
    breaks: npt.NDArray[np.intp]

    @property
    def x(self) -> Floats:
        if self.places is None:
            return self.series.x(self.way[0])
        return self.places.column("value")[: len(self.series)]

    @property
    def smooth(self) -> Floats:
        if self.averages is None:
            return self.series.value
        return self.averages.column("value")[: len(self.series)]

    def grown(self, series: Series) -> _Worked:
        """The same of a series that goes on with this one."""
        known = len(self.series)
        if self.places is not None:
            self.places.append(_logarithms(series, self.way[0], known)[None])
        counted = self.counted
        if self.averages is not None:
            fresh = series.value[known:]
            counted += int(np.isfinite(fresh).sum())
            self.averages.append(self._go_on(fresh)[None])
        start = max(0, known - 3)  # whether there is a gap shows two points later, and beside the point before
        breaks = _breaks(series, start)
        if start:
            breaks = np.concatenate([self.breaks[self.breaks <= start], breaks[breaks > start]])
        return _Worked(series, self.way, self.places, self.averages, counted, breaks)

    def _go_on(self, fresh: Floats) -> Floats:
        """The averages of values that follow: what was averaged before counts as one value of its weight."""
        factor, smooth_before = self.way[2], self.smooth
        before = _last_finite(smooth_before)
        weight = 1 - factor**self.counted
        if len(fresh) <= _FEW:
            total, found = before * weight, []
            for value in fresh.tolist():
                if math.isfinite(value):
                    total, weight = factor * total + (1 - factor) * value, factor * weight + 1 - factor
                found.append(total / weight if math.isfinite(value) else math.nan)
            return np.array(found)
        memory = min(len(smooth_before), math.ceil(math.log(_FORGOTTEN) / math.log(factor)))
        values = self.series.value[len(smooth_before) - memory :]
        return smooth(np.concatenate([values, fresh]), factor)[memory:]


def _work_out(series: Series, way: tuple[str, bool, float]) -> _Worked:
    axis, log_x, smoothing = way
    return _Worked(
        series,
        way,
        Table(("value",), _logarithms(series, axis, 0)[None]) if log_x else None,
        Table(("value",), smooth(series.value, smoothing)[None]) if smoothing else None,
        int(np.isfinite(series.value).sum()) if smoothing else 0,
        _breaks(series, 0),
    )


def _last_finite(values: Floats) -> float:
    """The last value that is a number, sought from the end; 0 when there is none."""
    for end in range(len(values), 0, -_FEW):
        finite = values[max(0, end - _FEW) : end]
        finite = finite[np.isfinite(finite)]
        if len(finite):
            return float(finite[-1])
    return 0.0


def _logarithms(series: Series, axis: str, start: int) -> Floats:
    logarithms: Floats = np.log10(np.maximum(series.x(axis)[start:], SMALLEST_X))
    return logarithms


def _breaks(series: Series, start: int) -> npt.NDArray[np.intp]:
    finite = np.isfinite(series.value[start:])
    broken = with_gaps(series.step[start:], series.value[start:])
    broken[:-1] &= finite[:-1] & finite[1:]
    breaks: npt.NDArray[np.intp] = np.flatnonzero(broken) + start
    return breaks


class Curve:
    """One metric of one run, kept up with its history; what was worked out before is not worked out again.

    Args:
        history: of the run.
        metric: one of `METRICS`, or "validation".
        elsewhere: does what takes long in another thread and then calls what it is given with the result in this one;
            until then the curve is as it was. Without it everything is done at once.

    Attributes:
        generation: another when points that were there are no longer, or are drawn in another way.
    """

    def __init__(self, history: RunHistory, metric: str, elsewhere: Elsewhere | None = None) -> None:
        self._history, self._metric, self._elsewhere = history, metric, elsewhere
        self._version = -1
        self._worked = _work_out(_NOTHING, ("step", False, 0.0))
        self._way = self._worked.way
        self._waiting = False
        self.generation = 0

    def _read(self) -> Series:
        return self._history.validation if self._metric == "validation" else self._history.series(self._metric)

    @property
    def series(self) -> Series:
        """The points that are drawn."""
        return self._worked.series

    @property
    def x(self) -> Floats:
        """Their places on the axis; none as long as they are those of another axis."""
        return self._worked.x if self._worked.way[:2] == self._way[:2] else self._worked.x[:0]

    @property
    def smooth(self) -> Floats:
        """Their averages."""
        return self._worked.smooth

    def update(self, axis: str, *, log_x: bool, smoothing: float) -> None:
        """Makes ready what has come since the last call, or what another way to draw asks for."""
        self._way = (axis, log_x, smoothing)
        if self._waiting or (self._version == self._history.version and self._way == self._worked.way):
            return
        version = self._history.version  # first: what comes meanwhile is read the next time
        series, worked, way = self._read(), self._worked, self._way
        goes_on = worked.way == way and _goes_on(worked.series, series)
        if goes_on and len(series) == len(worked.series):
            self._version = version
            return

        def work() -> _Worked:
            return worked.grown(series) if goes_on else _work_out(series, way)

        def take(result: _Worked) -> None:
            self._waiting = False
            self._worked, self._version = result, version
            self.generation += not goes_on

        if self._elsewhere is None or len(series) - goes_on * len(worked.series) <= AT_ONCE:
            take(work())
        else:
            self._waiting = True
            self._elsewhere(work, take)

    def raw_points(self, low: float, high: float, pixels: int, *, log_y: bool) -> Points:
        """What was recorded, between two places of the axis."""
        return self._points(self._worked.series.value, low, high, pixels, log_y=log_y)

    def smooth_points(self, low: float, high: float, pixels: int, *, log_y: bool) -> Points:
        """The average, between two places of the axis."""
        return self._points(self._worked.smooth, low, high, pixels, log_y=log_y)

    def _points(self, values: Floats, low: float, high: float, pixels: int, *, log_y: bool) -> Points:
        all_x = self.x
        if not len(all_x):
            return NO_POINTS
        x, y = decimate(all_x, values, low, high, pixels)
        if len(self._worked.breaks):
            places = all_x[self._worked.breaks]
            places = places[(places >= low) & (places <= high)][-_MOST_GAPS:]
            at = np.searchsorted(x, places, side="right")
            at = at[at < len(x)]
            x, y = np.insert(x, at, x[at]), np.insert(y, at, math.nan)
        return Points(x, to_view(y, log=log_y))

    def adds_nothing(self, known: int, low: float, high: float, pixels: int, slack: float, *, log_y: bool) -> bool:
        """Whether the points after the first ``known`` would be painted where the line is already.

        Args:
            known: points that are painted, in the same stretch.
            low: of the stretch.
            high: of the stretch.
            pixels: of the stretch.
            slack: a difference of values that cannot be seen.
            log_y: those are logarithms.
        """
        x = self.x
        if known == len(x):
            return True
        if not 0 < known < len(x):
            return False
        if x[known - 1] > high:
            return True
        column = math.floor((x[known - 1] - low) / (high - low) * pixels)
        if math.floor((x[-1] - low) / (high - low) * pixels) != column:
            return False
        first = int(np.searchsorted(x, low + column * (high - low) / pixels))
        if (self._worked.breaks[-1:] >= first).any():
            return False
        for values in (self._worked.series.value, self._worked.smooth):
            seen, fresh = (to_view(part, log=log_y) for part in (values[first:known], values[known:]))
            if not (np.isfinite(seen).all() and np.isfinite(fresh).all() and len(seen)):
                return False
            if fresh.min() < seen.min() - slack or fresh.max() > seen.max() + slack:
                return False
        return True

    def nearest(self, place: float) -> int | None:
        """The number of the point that is nearest to a place of the axis; None when there is none."""
        x = self.x
        if not len(x) or not math.isfinite(place):
            return None
        right = int(np.searchsorted(x, place))
        if right == 0:
            return 0
        if right == len(x):
            return right - 1
        return right if x[right] - place < place - x[right - 1] else right - 1


def _goes_on(old: Series, new: Series) -> bool:
    """Whether ``new`` has the points of ``old`` and perhaps more, judged by the last of them."""
    last = len(old) - 1
    if last < 0 or len(new) <= last:
        return False
    same_value = old.value[last] == new.value[last] or (math.isnan(old.value[last]) and math.isnan(new.value[last]))
    return bool(old.step[last] == new.step[last] and old.time[last] == new.time[last] and same_value)
