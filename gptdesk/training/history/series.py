"""Metrics as columns of numbers, and decimation to the resolution of a screen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gptdesk.metrics import AXES

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Series:
    """One metric in the order of its events; float64 arrays of shape (n,) that cannot be written to.

    Attributes:
        step: of the optimizer.
        tokens: trained until then.
        time: seconds since the first event of the run; never decreases, even if the system clock was set back.
        value: NaN where it was not finite or is missing.
    """

    step: Floats
    tokens: Floats
    time: Floats
    value: Floats

    def x(self, axis: str) -> Floats:
        """Coordinates on one of `AXES`."""
        assert axis in AXES
        return {"step": self.step, "tokens": self.tokens, "time": self.time}[axis]

    def __len__(self) -> int:
        return len(self.value)


class Table:
    """An append-only table of numbers, by column.

    One thread may append while others read: a row never changes, and arrays returned earlier stay valid.

    Args:
        names: of the columns.
        data: (columns, n) to begin with; it is copied.
    """

    def __init__(self, names: tuple[str, ...], data: Floats | None = None) -> None:
        self._places = {name: place for place, name in enumerate(names)}
        self._names = names
        self._rows = 0
        self._data: Floats = np.empty((len(names), 0))
        if data is not None:
            self.append(data)

    def __len__(self) -> int:
        return self._rows

    def append(self, block: Floats) -> None:
        """Adds the rows of a (columns, n) block."""
        rows = self._rows + block.shape[1]
        if rows > self._data.shape[1]:
            larger: Floats = np.empty((len(self._names), max(64, rows + rows // 2)))
            larger[:, : self._rows] = self._data[:, : self._rows]
            self._data = larger
        self._data[:, self._rows : rows] = block
        self._rows = rows  # last: readers see the rows from here on

    def rows(self, start: int = 0) -> Floats:
        """A (columns, n) view of all rows from ``start`` on."""
        rows = self._rows  # first: the data read next hold at least as many
        view = self._data[:, start:rows]
        view.flags.writeable = False
        return view

    def column(self, name: str, start: int = 0) -> Floats:
        """A view of one column from the row ``start`` on."""
        column: Floats = self.rows(start)[self._places[name]]
        return column

    def head(self, rows: int) -> Table:
        """A copy of the first rows."""
        return Table(self._names, self.rows()[:, :rows])

    def series(self, value: str) -> Series:
        """One column with those of the axes."""
        rows = self.rows()
        step, tokens, time, values = (rows[self._places[name]] for name in (*AXES, value))
        return Series(step, tokens, time, values)


def decimate(x: Floats, y: Floats, lo: float, hi: float, pixels: int) -> tuple[Floats, Floats]:
    """Decimates the points of a curve between ``lo`` and ``hi`` to at most four per pixel column.

    Of many points in a pixel column its first and last and its least and greatest value remain, as in M4 (Jugel and
    others, VLDB 2014), the latter two placed at points of that column. Where a value in it is NaN, so is one of the
    four, and the line stays broken. The next points outside on either side are added, so that lines reach the edges.

    Args:
        x: (n,) ascending.
        y: (n,).
    """
    first, end = int(np.searchsorted(x, lo, "left")), int(np.searchsorted(x, hi, "right"))
    before, after = slice(max(0, first - 1), first), slice(end, end + 1)
    if end - first <= 4 * pixels:
        shown = slice(before.start, after.stop)
        return x[shown], y[shown]
    inner_x, inner_y = x[first:end], y[first:end]
    edges = lo + (hi - lo) / pixels * np.arange(1, pixels)
    starts = np.concatenate([[0], np.searchsorted(inner_x, edges)])
    ends = np.append(starts[1:], end - first)
    filled = ends > starts
    starts, last = starts[filled], ends[filled] - 1
    least, greatest = np.minimum.reduceat(inner_y, starts), np.maximum.reduceat(inner_y, starts)
    points_y = np.stack([inner_y[starts], least, greatest, inner_y[last]])
    broken = np.isnan(least)  # NaN enters a minimum
    if broken.any():
        points_y[1], points_y[2] = np.fmin.reduceat(inner_y, starts), np.fmax.reduceat(inner_y, starts)
        points_y[3, broken & ~np.isnan(points_y[0])] = np.nan
    length = last - starts
    points_x = inner_x[np.stack([starts, starts + length // 3, starts + 2 * length // 3, last])]
    return (
        np.concatenate([x[before], points_x.T.ravel(), x[after]]),
        np.concatenate([y[before], points_y.T.ravel(), y[after]]),
    )
