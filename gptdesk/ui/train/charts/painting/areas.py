"""The values of a metric as areas that stand on each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from gptdesk.metrics import Metric
from gptdesk.ui.palette import Colours
from gptdesk.ui.stylesheet import mix
from gptdesk.ui.train.charts.curves.curve import NO_POINTS, Points
from gptdesk.ui.train.charts.curves.curve_store import Curves
from gptdesk.ui.train.charts.curves.y_scale import Floats, YScale
from gptdesk.ui.train.charts.painting.box import ChartBox, Painting
from gptdesk.ui.train.charts.settings import ChartSettings, PlottedRun
from gptdesk.ui.train.charts.viewport import Viewport

_AREA_SHARES: Final = (1.0, 0.72, 0.46, 0.24)
"""Share of the accent colour in each of the stacked areas, the lowest first; then in turn."""


class Area(Painting):
    """The area below a line."""

    def __init__(self, box: ChartBox, z: float) -> None:
        super().__init__(box, z)
        self._points, self._colour, self._edge = NO_POINTS, "#000000", "#ffffff"

    def show_points(self, points: Points, colour: str, edge: str) -> None:
        """Fills the area below these points, with an edge in another colour."""
        self._points, self._colour, self._edge = points, colour, edge
        self.update()

    def paint(self, painter: QPainter, *_: object) -> None:
        if not len(self._points.x):
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        x, y, floor = self.left(self._points.x).tolist(), self.top(self._points.y).tolist(), self.top(0.0)
        edge = [QPointF(left, top) for left, top in zip(x, y, strict=True)]
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._colour))
        painter.drawPolygon(QPolygonF([QPointF(x[0], floor), *edge, QPointF(x[-1], floor)]))
        painter.setPen(QPen(QColor(self._edge), 1))
        painter.drawPolyline(QPolygonF(edge))


class StackedAreas:
    """The values of a metric as areas on each other, so that the top is their sum."""

    def __init__(self, box: ChartBox, run: PlottedRun, metric: Metric, curves: Curves) -> None:
        self._box = box
        self.parts = [curves.of(run.history, key) for key in metric.keys]
        self._painted = -1, -1
        self._areas = [Area(box, -10.0 - number) for number in range(len(self.parts))]

    def remove(self) -> None:
        """Removes the areas from the chart."""
        for area in self._areas:
            area.remove()

    def update(self, settings: ChartSettings) -> None:
        """Reads new points."""
        for part in self.parts:
            part.update(settings.axis, log_x=settings.log_x, smoothing=0.0)

    def adds_nothing(self, view: Viewport, pixels: int, slack: float, *, log_y: bool) -> bool:
        """Whether points added since the last `draw` would fall on pixels that are painted already."""
        part, (generation, known) = self.parts[0], self._painted
        if part.generation != generation:
            return False
        return part.adds_nothing(known, view.low, view.high, pixels, math.inf, YScale(log_y))

    def draw(self, view: Viewport, pixels: int, colours: Colours) -> list[Floats]:
        """Draws the visible range and returns the values that the y axis should contain."""
        self._painted = self.parts[0].generation, len(self.parts[0].x)
        length = min(len(part.x) for part in self.parts)
        if not length:
            return []
        values = [part.series.value[:length] for part in self.parts]
        x, heights = column_means(self.parts[0].x[:length], values, view.low, view.high, pixels)
        tops = np.cumsum(heights, axis=0)
        for area, top, shade in zip(self._areas, tops, area_colours(len(tops), colours), strict=True):
            area.show_points(Points(x, top), shade, colours.surface)
        return [tops[-1][np.isfinite(tops[-1])], np.zeros(1)]


def area_colours(count: int, colours: Colours) -> list[str]:
    """Colours of stacked areas, the lowest first."""
    shares = [_AREA_SHARES[number % len(_AREA_SHARES)] for number in range(count)]
    return [mix(colours.accent, colours.surface, share) for share in shares]


def column_means(x: Floats, values: Sequence[Floats], low: float, high: float, pixels: int) -> tuple[Floats, Floats]:
    """Means of several values per pixel column that has points: x, and a row for each value."""
    start = max(0, int(np.searchsorted(x, low)) - 1)
    stop = min(len(x), int(np.searchsorted(x, high, side="right")) + 1)
    x, parts = x[start:stop], [value[start:stop] for value in values]
    if len(x) <= pixels:
        return x, np.nan_to_num(np.stack(parts))
    firsts = np.unique(np.searchsorted(x, np.linspace(x[0], x[-1], pixels, endpoint=False)))
    counts = np.diff(np.append(firsts, len(x)))
    sums = np.stack([np.add.reduceat(part, firsts) for part in parts])
    if np.isnan(sums).any():  # only then: it takes longer than everything else
        sums = np.stack([np.add.reduceat(np.nan_to_num(part), firsts) for part in parts])
    return np.add.reduceat(x, firsts) / counts, sums / counts
