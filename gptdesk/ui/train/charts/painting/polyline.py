"""Paints a line through many points quickly, however noisy it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from gptdesk.ui.train.charts.curves.curve import NO_POINTS, Points
from gptdesk.ui.train.charts.curves.y_scale import Floats
from gptdesk.ui.train.charts.painting.box import ChartBox, Painting

_JAGGED: Final = 1.6
"""A line longer than this many times its width plus height is jagged."""

_NEAR: Final = 2.0
"""Pixels along a smooth line within which one point is enough."""

_FARTHEST: Final = 1e5
"""Largest y in pixels; values beyond are painted there."""


@dataclass(frozen=True)
class Look:
    """Style of a line.

    Attributes:
        colour: ``#rrggbb``.
        width: in pixels.
        dashes: a stroke and the gap after it, and so on, in widths of the line; none for a solid line.
    """

    colour: str
    width: float = 2.0
    dashes: tuple[float, ...] = ()


class Line(Painting):
    """A line of constant width, broken where a value is NaN.

    Qt's stroker resolves self-intersections, which takes a second for a noisy line of a few thousand points (6.11,
    raster engine). So a jagged line is filled as the band that it covers, pixel column by pixel column.
    """

    def __init__(self, box: ChartBox, z: float) -> None:
        super().__init__(box, z)
        self._points, self._look = NO_POINTS, Look("#000000")
        self._strokes: list[QPolygonF] = []
        self._columns: list[QRectF] = []
        self._made_for: object = None

    def show_points(self, points: Points, look: Look) -> None:
        """Shows other points in a style."""
        self._points, self._look, self._made_for = points, look, None
        self.update()

    def paint(self, painter: QPainter, *_: object) -> None:
        device = painter.deviceTransform()
        way = (self.box.viewRange(), self.box.width(), self.box.height(), device.m11(), device.dx())
        if way != self._made_for:
            self._made_for = way
            self._make(device.m11(), device.dx())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._look.colour))
        painter.drawRects(self._columns)
        painter.setPen(self._pen())
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for stroke in self._strokes:
            painter.drawPolyline(stroke)

    def _pen(self) -> QPen:
        pen = QPen(QColor(self._look.colour), self._look.width)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        pen.setCapStyle(Qt.PenCapStyle.FlatCap if self._look.dashes else Qt.PenCapStyle.RoundCap)
        if self._look.dashes:
            pen.setDashPattern(list(self._look.dashes))
        return pen

    def _make(self, scale: float, offset: float) -> None:
        self._strokes, self._columns = [], []
        x, y = self.left(self._points.x), np.clip(self.top(self._points.y), -_FARTHEST, _FARTHEST)
        for start, stop in _runs(np.isfinite(y)):
            part_x, part_y = x[start:stop], y[start:stop]
            along = np.concatenate([np.zeros(1), np.cumsum(np.hypot(np.diff(part_x), np.diff(part_y)))])
            if along[-1] > _JAGGED * (np.ptp(part_x) + np.ptp(part_y)):
                self._add_columns(*covered(part_x, part_y, scale, offset), 1 / scale)
            else:
                kept = _apart(along)
                places = zip(part_x[kept].tolist(), part_y[kept].tolist(), strict=True)
                self._strokes.append(QPolygonF([QPointF(left, top) for left, top in places]))

    def _add_columns(self, x: Floats, highest: Floats, lowest: Floats, width: float) -> None:
        for _ in range(int(self._look.width / width / 2 - 0.5)):  # as wide horizontally, at any pixel density
            highest, lowest = -_spread(-highest), _spread(lowest)
        columns = np.stack([x, highest - self._look.width / 2, lowest - highest + self._look.width], axis=1)
        if self._look.dashes:
            ends = np.cumsum(self._look.dashes) * self._look.width
            columns = columns[np.searchsorted(ends, x % ends[-1], side="right") % 2 == 0]
        self._columns += [QRectF(left, top, width, height) for left, top, height in columns.tolist()]


def covered(x: Floats, y: Floats, scale: float, offset: float) -> tuple[Floats, Floats, Floats]:
    """The pixel columns that a line covers: left edge of each, and smallest and largest y in it.

    Args:
        x: (n,) ascending.
        y: (n,) finite.
        scale: columns in a unit of x.
        offset: columns at the left of x = 0.
    """
    first, last = np.floor(x[0] * scale + offset), np.ceil(x[-1] * scale + offset)
    edges = (np.arange(first, max(last, first + 1) + 1) - offset) / scale
    between = np.interp(edges, x, y)
    all_x, all_y = np.concatenate([edges[:-1], x]), np.concatenate([between[:-1], y])
    order = np.argsort(all_x, kind="stable")  # an edge comes before the points that lie on it
    all_y = all_y[order]
    starts = np.flatnonzero(order < len(edges) - 1)
    smallest = np.minimum(np.minimum.reduceat(all_y, starts), between[1:])
    largest = np.maximum(np.maximum.reduceat(all_y, starts), between[1:])
    return edges[:-1], smallest, largest


def _spread(values: Floats) -> Floats:
    """Maximum of each value and its two neighbours."""
    padded = np.concatenate([values[:1], values, values[-1:]])
    return np.maximum(np.maximum(padded[:-2], padded[2:]), values)


def _runs(mask: np.typing.NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Start and end of each run of True."""
    padded = np.concatenate([[False], mask, [False]])
    changes = np.flatnonzero(padded[1:] != padded[:-1])
    yield from zip(changes[::2].tolist(), changes[1::2].tolist(), strict=True)


def _apart(along: Floats) -> np.typing.NDArray[np.intp]:
    """Indices of one point per `_NEAR` pixels along a line, and of the last."""
    if along[-1] > _NEAR * len(along):
        return np.arange(len(along))
    _, first = np.unique(np.floor(along / _NEAR), return_index=True)
    return np.union1d(first, len(along) - 1)
