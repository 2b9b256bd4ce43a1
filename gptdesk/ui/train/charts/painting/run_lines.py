"""The lines of one run on one chart."""

from __future__ import annotations

from typing import Final

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QPainter, QPen

from gptdesk.loss_units import LossUnit
from gptdesk.metrics import Metric
from gptdesk.training.history.loss_source import LossSources, loss_sources
from gptdesk.training.history.series import Series
from gptdesk.ui.palette import Colours
from gptdesk.ui.stylesheet import mix
from gptdesk.ui.train.charts.curves.curve import NO_POINTS, Curve, Points
from gptdesk.ui.train.charts.curves.curve_store import Curves
from gptdesk.ui.train.charts.curves.y_scale import Floats, YScale, to_view
from gptdesk.ui.train.charts.painting.box import ChartBox, Painting
from gptdesk.ui.train.charts.painting.polyline import Line, Look
from gptdesk.ui.train.charts.settings import ChartSettings, PlottedRun
from gptdesk.ui.train.charts.viewport import Viewport

DASHES: Final = ((4.0, 2.5), (1.5, 2.0), (7.0, 2.5), (6.0, 2.0, 1.0, 2.0))
"""Dash patterns of pinned runs, in turn, in line widths."""

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
        unit: of losses; None for another metric.

    Attributes:
        train: curve of the recorded value.
        validation: curve of the evaluations; None for another metric than the loss.
        sources: of losses; None for another metric.
    """

    def __init__(
        self,
        box: ChartBox,
        run: PlottedRun,
        metric: Metric,
        value: str,
        number: int,
        curves: Curves,
        unit: LossUnit | None = None,
    ) -> None:
        self.run, self.value, self._box, self._averaged = run, value, box, metric.averaged
        self._curves, self._unit = curves, unit
        self._place = metric.keys.index(value)
        self._current = number == 0
        self._dashes = () if self._current else DASHES[(number - 1) % len(DASHES)]
        self.train = curves.of(run.history, value)
        self.validation: Curve | None = None
        self.sources: LossSources | None = None
        self._painted: tuple[tuple[int, ...], ...] = ()
        self._choose_sources()
        order = 10.0 if self._current else 0.0
        self._raw = Line(box, order + 2)
        self._old = Line(box, order + 1)
        self._smooth = Line(box, order + 4)
        self._validation_line, self._dots = Line(box, order + 5), Dots(box, order + 6)

    def _choose_sources(self) -> None:
        """Chooses what is read of a loss: what the run records in the unit is known once it has recorded something."""
        if self._unit is None:
            return
        sources = loss_sources(self.run.history, self._unit)
        if sources == self.sources:
            return
        self.sources, self._painted = sources, ()
        self.train = self._curves.of(self.run.history, sources.training.key)
        self.validation = self._curves.of(self.run.history, sources.validation.key, evaluated=True)

    def colour(self, colours: Colours) -> str:
        """Colour of the line."""
        own: str = getattr(colours, self.run.role)
        if not self._place:
            return own
        if not self._current:
            return mix(own, colours.surface, 0.55)
        other: str = getattr(colours, _VALUE_ROLES[(self._place - 1) % len(_VALUE_ROLES)])
        return other

    # -- values in the unit of the chart

    def scale(self, *, log: bool = False) -> YScale:
        """How recorded values and their averages become coordinates."""
        return YScale(log, self.sources.training if self.sources else None)

    def validation_scale(self, *, log: bool = False) -> YScale:
        """How values of evaluations become coordinates."""
        return YScale(log, self.sources.validation if self.sources else None)

    def recorded_at(self, number: int) -> float:
        """The recorded value of a point, in the unit of the chart."""
        return self.scale().value(self.train.series.value[number])

    def averaged_at(self, number: int) -> float:
        """The average at a point, in the unit of the chart."""
        return self.scale().value(self.train.smooth[number])

    def validated_at(self, number: int) -> float:
        """The value of an evaluation, in the unit of the chart."""
        assert self.validation is not None, "only losses are validated"
        return self.validation_scale().value(self.validation.series.value[number])

    # -- drawing

    def adds_nothing(self, view: Viewport, pixels: int, slack: float, *, log_y: bool) -> bool:
        """Whether points added since the last `draw` would fall on pixels that are painted already."""
        before, now = self._painted, self._state()
        if before == now:
            return True
        if not before or before[1:] != now[1:] or before[0][0] != now[0][0]:
            return False
        return self.train.adds_nothing(before[0][1], view.low, view.high, pixels, slack, self.scale(log=log_y))

    def _state(self) -> tuple[tuple[int, ...], ...]:
        validation = self.validation
        return (
            (self.train.generation, len(self.train.x)),
            (validation.generation, len(validation.x)) if validation else (),
            (len(self._superseded()),) if self._current else (),
        )

    def _superseded(self) -> Series:
        return self.run.history.superseded(self.sources.training.key if self.sources else self.value)

    def remove(self) -> None:
        """Removes the lines from the chart."""
        for item in (self._raw, self._old, self._smooth, self._validation_line, self._dots):
            item.remove()

    def update(self, settings: ChartSettings) -> None:
        """Reads new points."""
        self._choose_sources()
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
        smooth = self.train.smooth_points(view.low, view.high, pixels, self.scale(log=log_y))
        self._smooth.show_points(smooth, Look(colour, 2.0 if self._current else 1.5, self._dashes))
        values = [smooth.finite]
        if self._current:
            values += self._draw_raw(view, pixels, colours, settings, log_y=log_y)
        if self.validation is not None:
            points = self.validation.raw_points(view.low, view.high, pixels, self.validation_scale(log=log_y))
            shade = colours.good if self._current else colour
            self._validation_line.show_points(points if self._current else NO_POINTS, Look(shade))
            self._dots.show_points(points, shade, "" if self._current else colours.surface)
            values.append(points.finite)
        return values

    def _draw_raw(
        self, view: Viewport, pixels: int, colours: Colours, settings: ChartSettings, *, log_y: bool
    ) -> list[Floats]:
        scale = self.scale(log=log_y)
        faint = Look(mix(self.colour(colours), colours.surface, _RAW_SHARE), 1.0)
        raw = NO_POINTS
        if self._averaged and settings.smoothing:
            raw = self.train.raw_points(view.low, view.high, pixels, scale)
        self._raw.show_points(raw, faint)
        old = self._superseded()
        x = to_view(old.x(settings.axis), log=settings.log_x)
        old_look = Look(mix(colours.muted, colours.surface, 0.5), 1.0)
        self._old.show_points(Points(x, scale.places(old.value)), old_look)
        finite = raw.finite
        return [np.quantile(finite, (0.005, 0.995))] if len(finite) else []
