"""The lines and areas of one run on one chart."""

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
from gptdesk.ui.train.charts.curves import Curves
from gptdesk.ui.train.charts.items import ChartBox, Painting
from gptdesk.ui.train.charts.points import NO_POINTS, Floats, Points, to_view
from gptdesk.ui.train.charts.polyline import Line, Look
from gptdesk.ui.train.charts.settings import ChartSettings, PlottedRun
from gptdesk.ui.train.charts.viewport import Viewport

DASHES: Final = ((4.0, 2.5), (1.5, 2.0), (7.0, 2.5), (6.0, 2.0, 1.0, 2.0))
"""Dash patterns of pinned runs, in turn, in line widths."""

_AREA_SHARES: Final = (1.0, 0.72, 0.46, 0.24)
"""Share of the accent colour in each of the stacked areas, the lowest first; then in turn."""

_VALUE_ROLES: Final = ("good", "warn", "bad", "muted")
"""Colours of the second and later values of a metric of the selected run."""

_RAW_SHARE: Final = 0.38
_DENSE: Final = 7.0
"""Least pixels between dots; below it only the line is drawn."""


class Dots(Painting):
    """A dot at every point, unless they would touch."""

    def __init__(self, box: ChartBox, z: float) -> None:
        super().__init__(box, z)
        self._points, self._colour, self._hollow = NO_POINTS, "#000000", ""

    def show_points(self, points: Points, colour: str, hollow: str = "") -> None:
        """Shows points in a colour; filled with ``hollow`` if that is given."""
        self._points, self._colour, self._hollow = points, colour, hollow
        self.update()

    def paint(self, painter: QPainter, *_: object) -> None:
        inside = np.isfinite(self._points.y)
        x, y = self._points.x[inside], self._points.y[inside]
        if not len(x) or (len(x) > 1 and abs(self.left(x[-1]) - self.left(x[0])) / (len(x) - 1) < _DENSE):
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(self._colour), 1.5))
        painter.setBrush(QColor(self._hollow or self._colour))
        radius = 3.0 if self._hollow else 3.5
        for place, value in zip(x.tolist(), y.tolist(), strict=True):
            painter.drawEllipse(QPointF(self.left(place), self.top(value)), radius, radius)


class RunLines:
    """One value of a run: recorded points, their average, points that a resume left behind, and validation.

    Args:
        box: of the chart.
        run: whose history is drawn.
        metric: of the chart.
        value: key of the metric's value that is drawn.
        number: 0 for the selected run, else that of the pinned run.
        curves: of all runs.
    """

    def __init__(
        self,
        box: ChartBox,
        run: PlottedRun,
        metric: Metric,
        value: str,
        number: int,
        curves: Curves,
    ) -> None:
        self.run, self.value, self._box, self._averaged = run, value, box, metric.averaged
        self._place = metric.keys.index(value)
        self._current = number == 0
        self._dashes = () if self._current else DASHES[(number - 1) % len(DASHES)]
        self.train = curves.of(run.history, value)
        self.validation = curves.of(run.history, "validation") if metric.primary else None
        self._painted: tuple[tuple[int, ...], ...] = ()
        order = 10.0 if self._current else 0.0
        self._raw = Line(box, order + 2)
        self._old = Line(box, order + 1)
        self._smooth = Line(box, order + 4)
        self._validation_line, self._dots = Line(box, order + 5), Dots(box, order + 6)

    def colour(self, colours: Colours) -> str:
        """Colour of the line."""
        own: str = getattr(colours, self.run.role)
        if not self._place:
            return own
        if not self._current:
            return mix(own, colours.surface, 0.55)
        other: str = getattr(colours, _VALUE_ROLES[(self._place - 1) % len(_VALUE_ROLES)])
        return other

    def adds_nothing(self, view: Viewport, pixels: int, slack: float, *, log_y: bool) -> bool:
        """Whether points added since the last `draw` would fall on pixels that are painted already."""
        before, now = self._painted, self._state()
        if before == now:
            return True
        if not before or before[1:] != now[1:] or before[0][0] != now[0][0]:
            return False
        return self.train.adds_nothing(before[0][1], view.low, view.high, pixels, slack, log_y=log_y)

    def _state(self) -> tuple[tuple[int, ...], ...]:
        validation = self.validation
        return (
            (self.train.generation, len(self.train.x)),
            (validation.generation, len(validation.x)) if validation else (),
            (len(self.run.history.superseded(self.value)),) if self._current else (),
        )

    def remove(self) -> None:
        """Removes the lines from the chart."""
        for item in (self._raw, self._old, self._smooth, self._validation_line, self._dots):
            item.remove()

    def update(self, settings: ChartSettings) -> None:
        """Reads new points."""
        smoothing = settings.smoothing if self._averaged else 0.0
        self.train.update(settings.axis, log_x=settings.log_x, smoothing=smoothing)
        if self.validation is not None:
            self.validation.update(settings.axis, log_x=settings.log_x, smoothing=0.0)

    def draw(
        self, view: Viewport, pixels: int, colours: Colours, settings: ChartSettings, *, log_y: bool
    ) -> list[Floats]:
        """Draws the visible range and returns the values that the y axis should contain."""
        self._painted = self._state()
        colour = self.colour(colours)
        smooth = self.train.smooth_points(view.low, view.high, pixels, log_y=log_y)
        self._smooth.show_points(smooth, Look(colour, 2.0 if self._current else 1.5, self._dashes))
        values = [smooth.finite]
        if self._current:
            values += self._draw_raw(view, pixels, colours, settings, log_y=log_y)
        if self.validation is not None:
            points = self.validation.raw_points(view.low, view.high, pixels, log_y=log_y)
            shade = colours.good if self._current else colour
            self._validation_line.show_points(points if self._current else NO_POINTS, Look(shade))
            self._dots.show_points(points, shade, "" if self._current else colours.surface)
            values.append(points.finite)
        return values

    def _draw_raw(
        self, view: Viewport, pixels: int, colours: Colours, settings: ChartSettings, *, log_y: bool
    ) -> list[Floats]:
        faint = Look(mix(self.colour(colours), colours.surface, _RAW_SHARE), 1.0)
        raw = NO_POINTS
        if self._averaged and settings.smoothing:
            raw = self.train.raw_points(view.low, view.high, pixels, log_y=log_y)
        self._raw.show_points(raw, faint)
        old = self.run.history.superseded(self.value)
        x = to_view(old.x(settings.axis), log=settings.log_x)
        old_points = Points(x, to_view(old.value, log=log_y))
        self._old.show_points(old_points, Look(mix(colours.muted, colours.surface, 0.5), 1.0))
        finite = raw.finite
        return [np.quantile(finite, (0.005, 0.995))] if len(finite) else []


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
        return part.adds_nothing(known, view.low, view.high, pixels, math.inf, log_y=log_y)

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
