"""Points of a curve as they are drawn: smoothed, linear or logarithmic, decimated to the screen."""

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
from gptdesk.ui.train.charts.curves.y_scale import Floats, YScale

InBackground = Callable[[Callable[[], Any], Callable[[Any], None]], None]
"""Runs a function in another thread and passes its result to a function in this thread."""

AT_ONCE: Final = 50_000
"""Points computed in the GUI thread at most: 2 ms, about a tenth of a frame."""

SMALLEST_X: Final = 1e-3
"""Smallest x on a logarithmic axis; steps and tokens count from one."""

_FORGOTTEN: Final = 1e-12
"""Weight below which earlier values no longer affect an average visibly."""

_FEW: Final = 500
"""Up to this many values, a loop averages faster than matrix products."""

_MOST_GAPS: Final = 2_000
"""Largest number of breaks drawn in a line; a screen would not show more."""


@dataclass(frozen=True)
class Points:
    """Points of one line; NaN in ``y`` breaks it."""

    x: Floats
    y: Floats

    @property
    def finite(self) -> Floats:
        """The finite values."""
        return self.y[np.isfinite(self.y)]


_NOTHING: Final = Series(np.empty(0), np.empty(0), np.empty(0), np.empty(0))
NO_POINTS: Final = Points(np.empty(0), np.empty(0))


@dataclass(frozen=True)
class _Computed:
    """A series computed for one way of drawing. Of the tables only the first ``len(series)`` rows are valid.

    Attributes:
        way: axis, whether it is logarithmic, and smoothing.
        places: on a logarithmic axis; else None.
        averages: where there is smoothing; else None.
        counted: number of values in the average.
        breaks: indices of points after which the line is broken although both ends are finite.
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

    def extended(self, series: Series) -> _Computed:
        """The same for a series that continues this one; computes only the new points."""
        known = len(self.series)
        if self.places is not None:
            self.places.append(_logarithms(series, self.way[0], known)[None])
        counted = self.counted
        if self.averages is not None:
            fresh = series.value[known:]
            counted += int(np.isfinite(fresh).sum())
            self.averages.append(self._continue_average(fresh)[None])
        start = max(0, known - 3)  # a gap is decided by two later points and one earlier
        breaks = _breaks(series, start)
        if start:
            breaks = np.concatenate([self.breaks[self.breaks <= start], breaks[breaks > start]])
        return _Computed(series, self.way, self.places, self.averages, counted, breaks)

    def _continue_average(self, fresh: Floats) -> Floats:
        """Averages of further values; the last average stands for all earlier ones, with their total weight."""
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


def _compute(series: Series, way: tuple[str, bool, float]) -> _Computed:
    axis, log_x, smoothing = way
    return _Computed(
        series,
        way,
        Table(("value",), _logarithms(series, axis, 0)[None]) if log_x else None,
        Table(("value",), smooth(series.value, smoothing)[None]) if smoothing else None,
        int(np.isfinite(series.value).sum()) if smoothing else 0,
        _breaks(series, 0),
    )


def _last_finite(values: Floats) -> float:
    """The last finite value; 0 when there is none."""
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
    """One value of one run, updated incrementally with its history.

    Args:
        history: of the run.
        key: of a value of step events, or of evaluations.
        in_background: runs long computations in another thread; the curve does not change until the result is there.
            ``None`` computes everything at once.
        evaluated: whether the value is one of evaluations.

    Attributes:
        generation: changes when earlier points change or are drawn differently.
    """

    def __init__(
        self, history: RunHistory, key: str, in_background: InBackground | None = None, *, evaluated: bool = False
    ) -> None:
        self._history, self._key, self._in_background, self._evaluated = history, key, in_background, evaluated
        self._version = -1
        self._computed = _compute(_NOTHING, ("step", False, 0.0))
        self._way = self._computed.way
        self._waiting = False
        self.generation = 0

    def _read(self) -> Series:
        return self._history.evaluated(self._key) if self._evaluated else self._history.series(self._key)

    @property
    def series(self) -> Series:
        """The series that is drawn."""
        return self._computed.series

    @property
    def x(self) -> Floats:
        """X coordinates; empty while those of the chosen axis are still being computed."""
        return self._computed.x if self._computed.way[:2] == self._way[:2] else self._computed.x[:0]

    @property
    def smooth(self) -> Floats:
        """Averages of the values."""
        return self._computed.smooth

    def update(self, axis: str, *, log_x: bool, smoothing: float) -> None:
        """Computes what new points, or another way of drawing, need."""
        self._way = (axis, log_x, smoothing)
        if self._waiting or (self._version == self._history.version and self._way == self._computed.way):
            return
        version = self._history.version  # before reading: later events are read next time
        series, computed, way = self._read(), self._computed, self._way
        continues = computed.way == way and _continues(computed.series, series)
        if continues and len(series) == len(computed.series):
            self._version = version
            return

        def work() -> _Computed:
            return computed.extended(series) if continues else _compute(series, way)

        def take(result: _Computed) -> None:
            self._waiting = False
            self._computed, self._version = result, version
            self.generation += not continues

        if self._in_background is None or len(series) - continues * len(computed.series) <= AT_ONCE:
            take(work())
        else:
            self._waiting = True
            self._in_background(work, take)

    def raw_points(self, low: float, high: float, pixels: int, scale: YScale) -> Points:
        """Recorded values between two x coordinates, decimated."""
        return self._points(self._computed.series.value, low, high, pixels, scale)

    def smooth_points(self, low: float, high: float, pixels: int, scale: YScale) -> Points:
        """Averages between two x coordinates, decimated."""
        return self._points(self._computed.smooth, low, high, pixels, scale)

    def _points(self, values: Floats, low: float, high: float, pixels: int, scale: YScale) -> Points:
        all_x = self.x
        if not len(all_x):
            return NO_POINTS
        x, y = decimate(all_x, values, low, high, pixels)
        if len(self._computed.breaks):
            places = all_x[self._computed.breaks]
            places = places[(places >= low) & (places <= high)][-_MOST_GAPS:]
            at = np.searchsorted(x, places, side="right")
            at = at[at < len(x)]
            x, y = np.insert(x, at, x[at]), np.insert(y, at, math.nan)
        return Points(x, scale.places(y))

    def adds_nothing(self, known: int, low: float, high: float, pixels: int, slack: float, scale: YScale) -> bool:
        """Whether the points after the first ``known`` would fall on pixels that the line already covers.

        Args:
            known: points that are painted, in the same stretch.
            low: of the stretch.
            high: of the stretch.
            pixels: of the stretch.
            slack: a difference of coordinates that cannot be seen.
            scale: of the y axis.
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
        if (self._computed.breaks[-1:] >= first).any():
            return False
        for values in (self._computed.series.value, self._computed.smooth):
            seen, fresh = (scale.places(part) for part in (values[first:known], values[known:]))
            if not (np.isfinite(seen).all() and np.isfinite(fresh).all() and len(seen)):
                return False
            if fresh.min() < seen.min() - slack or fresh.max() > seen.max() + slack:
                return False
        return True

    def nearest(self, place: float) -> int | None:
        """Index of the point nearest to an x coordinate; None when there are no points."""
        x = self.x
        if not len(x) or not math.isfinite(place):
            return None
        right = int(np.searchsorted(x, place))
        if right == 0:
            return 0
        if right == len(x):
            return right - 1
        return right if x[right] - place < place - x[right - 1] else right - 1


def _continues(old: Series, new: Series) -> bool:
    """Whether ``new`` begins with the points of ``old``, judged by the last of them."""
    last = len(old) - 1
    if last < 0 or len(new) <= last:
        return False
    same_value = old.value[last] == new.value[last] or (math.isnan(old.value[last]) and math.isnan(new.value[last]))
    return bool(old.step[last] == new.step[last] and old.time[last] == new.time[last] and same_value)
