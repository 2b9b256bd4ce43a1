"""One chart: its axes and the lines of every run on it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from gptdesk.loss_units import LossUnit, loss_unit
from gptdesk.metrics import Metric
from gptdesk.training.published import published_losses
from gptdesk.ui.fonts import smaller
from gptdesk.ui.number_format import decimal
from gptdesk.ui.theme import Theme
from gptdesk.ui.train.charts.chart.pointer_input import ChartView
from gptdesk.ui.train.charts.chart.y_range import y_range
from gptdesk.ui.train.charts.curves.curve import Curve
from gptdesk.ui.train.charts.curves.curve_store import Curves
from gptdesk.ui.train.charts.curves.y_scale import Floats
from gptdesk.ui.train.charts.painting.areas import StackedAreas
from gptdesk.ui.train.charts.painting.axis import RIGHT, Axis, Grid, Levels
from gptdesk.ui.train.charts.painting.marks import Crosshair, Marks, placed_marks
from gptdesk.ui.train.charts.painting.run_lines import RunLines
from gptdesk.ui.train.charts.painting.ticks import TICK_UNITS, ticks
from gptdesk.ui.train.charts.settings import ChartSettings, PlottedRun, level
from gptdesk.ui.train.charts.viewport import Viewport

_MARKS_AWAY: Final = 4.0
"""Pixels between the marks and the lowest value."""

_KEY_STEPS: Final = 200
"""Key presses that move the crosshair from one end of a dense chart to the other."""

_X_UNITS: Final = {"step": "whole", "tokens": "whole", "time": "time"}


class Chart(ChartView):
    """A chart of one metric.

    Args:
        theme: of its colours.
        viewport: visible x range.
        curves: of all runs.
        metric: that it shows.
        small: with fewer ticks and a smaller font.

    Attributes:
        x_axis, y_axis: with their ticks.

    Signals:
        drawn(): emitted after drawing.
        points_added(): there are new points, which would not change the picture.
    """

    drawn = Signal()
    points_added = Signal()

    def __init__(
        self,
        theme: Theme,
        viewport: Viewport,
        curves: Curves,
        metric: Metric,
        *,
        small: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(viewport, parent)
        self.quantity, self.theme, self._curves = metric, theme, curves  # "metric" is a virtual function of QWidget
        self._drawn_as: tuple[object, ...] = ()
        self._marked_as: tuple[object, ...] = ()
        self.settings = ChartSettings()
        self.runs: list[PlottedRun] = []
        self.lines: list[RunLines] = []
        self.areas: StackedAreas | None = None
        font = smaller(self.font()) if small else self.font()
        self.y_axis, self.x_axis = Axis(self.box, font, upright=True), Axis(self.box, font, upright=False)
        self._grid = Grid(self.box)
        self.levels = Levels(self.box, smaller(font))
        self.marks = Marks(self.box, smaller(font), theme.colours)
        self.crosshair = Crosshair(self.box, theme.colours)
        self._lay_out()
        viewport.pointed.connect(self._on_pointed)
        theme.changed.connect(self._on_theme_changed)
        self._colour()

    def _lay_out(self) -> None:
        layout = self.centralLayout
        layout.setContentsMargins(0, 8, RIGHT, 0)
        layout.setSpacing(0)
        layout.addItem(self.y_axis, 0, 0)
        layout.addItem(self.box, 0, 1)
        layout.addItem(self.x_axis, 1, 1)
        self.setMinimumSize(120, 72)
        self._show_name()

    # -- contents

    def set_metric(self, metric: Metric) -> None:
        """Shows another metric."""
        if metric != self.quantity:
            self.quantity = metric
            self._show_name()
            self.show_runs(self.runs)

    def _show_name(self) -> None:
        self.setAccessibleName(f"{self.title} chart")

    def show_runs(self, runs: Sequence[PlottedRun]) -> None:
        """Shows other runs; the first is the selected one."""
        for drawn in self._drawn():
            drawn.remove()
        self.runs, self.heights = list(runs), None
        stacked = self.quantity.stacked
        self.areas = StackedAreas(self.box, runs[0], self.quantity, self._curves) if stacked and runs else None
        self.lines = [
            RunLines(self.box, run, self.quantity, value, number, self._curves, self.unit)
            for number, run in enumerate(runs if self.areas is None else [])
            for value in self.quantity.keys
        ]
        self._drawn_as = ()
        self.refresh()

    def apply(self, settings: ChartSettings) -> None:
        """Applies other settings."""
        before, self.settings = self.settings, settings
        if (settings.axis, settings.log_y) != (before.axis, before.log_y):
            self.heights = None
        if self.quantity.primary and settings.loss_unit != before.loss_unit:
            self._show_name()
            self.show_runs(self.runs)
        else:
            self.refresh()

    def refresh(self) -> None:
        """Reads new points, and schedules a draw if they would change the picture."""
        for drawn in self._drawn():
            drawn.update(self.settings)
        self._place_marks()
        if self._looks_the_same():
            self.points_added.emit()
        else:
            self.draw_soon()

    def _looks_the_same(self) -> bool:
        if self._drawn_as != self._way():
            return False
        y0, y1 = self.box.viewRange()[1]
        slack = (y1 - y0) / max(1.0, self.box.height()) / 2
        return all(drawn.adds_nothing(self.view, self._pixels(), slack, log_y=self.log_y) for drawn in self._drawn())

    def _way(self) -> tuple[object, ...]:
        """Everything that the picture depends on besides the points."""
        view, box = self.view, self.box
        shape = (view.low, view.high, box.width(), box.height(), self._pixels(), self.heights)
        return (*shape, self.settings, self.theme.colours, self._marked_as)

    def _pixels(self) -> int:
        return max(16, round(self.box.width() * self.devicePixelRatioF()))

    @property
    def main_curve(self) -> Curve | None:
        """Curve of the selected run, whose points the crosshair follows."""
        if self.areas is not None:
            return self.areas.parts[0]
        return self.lines[0].train if self.lines else None

    def _drawn(self) -> list[RunLines | StackedAreas]:
        return [*self.lines, *([self.areas] if self.areas else [])]

    @property
    def log_y(self) -> bool:
        return self.settings.log_y and self.quantity.log_y

    @property
    def unit(self) -> LossUnit | None:
        """Unit of the losses; None for another metric."""
        return loss_unit(self.settings.loss_unit) if self.quantity.primary else None

    @property
    def title(self) -> str:
        """What the chart shows, in the unit of the losses."""
        return self.unit.chart_title if self.unit else self.quantity.title

    @property
    def axis_title(self) -> str:
        """Title of the y axis with its unit, for an export."""
        return self.unit.axis_title if self.unit else self.quantity.axis_title or self.quantity.title

    # -- drawing

    def draw(self) -> None:
        """Draws the visible range, decimated to the pixels there are."""
        self._drawing.cancel()
        pixels, colours = self._pixels(), self.theme.colours
        values: list[Floats] = []
        if self.areas is not None:
            values = self.areas.draw(self.view, pixels, colours)
        for lines in self.lines:
            values += lines.draw(self.view, pixels, colours, self.settings, log_y=self.log_y)
        self.levels.lines = self._placed_levels()
        values.append(np.array([place for place, _ in self.levels.lines]))
        below = (self.marks.height() + _MARKS_AWAY) / max(1.0, self.box.height())
        from_zero = self.quantity.from_zero and not self.log_y
        low, high = self.heights or y_range(values, below=below, from_zero=from_zero)
        self.box.setRange(xRange=(self.view.low, self.view.high), yRange=(low, high), padding=0)
        self._place_ticks(low, high)
        self._place_dots()
        self.levels.update()
        self.marks.update()
        self._drawn_as = self._way()
        self.drawn.emit()

    def _place_ticks(self, low: float, high: float) -> None:
        view, settings = self.view, self.settings
        for axis, start, end, unit, log in (
            (self.x_axis, view.low, view.high, _X_UNITS[settings.axis], settings.log_x),
            (self.y_axis, low, high, TICK_UNITS[self.quantity.format], self.log_y),
        ):
            axis.show_ticks(ticks(start, end, axis.room(end, unit, log=log), log=log, unit=unit))
        self._grid.ticks = self.y_axis.ticks
        self._grid.update()

    def _placed_levels(self) -> list[tuple[float, str]]:
        levels = self.wanted_levels()
        return [(math.log10(value) if self.log_y else value, word) for value, word in levels if value > 0]

    def wanted_levels(self) -> list[tuple[float, str]]:
        """Values with a line across the chart, and their labels: published losses, or a limit of the first run."""
        if self.unit is not None and self.settings.published and not self.unit.needs_bytes:
            shown = [(row.model, self.unit.from_nats(row.loss, 0.0)) for row in published_losses()]
            return [(loss, f"{model} on OpenWebText {decimal(loss, 2)}") for model, loss in shown]
        found = level(self.runs[0], self.quantity) if self.runs else 0.0
        return [(found, self.quantity.level_name)] if found else []

    def _place_marks(self) -> None:
        if not (self.runs and self.quantity.primary):
            self.marks.set_marks(())
            return
        axis, log = self.settings.axis, self.settings.log_x
        marks = self.runs[0].history.marks
        marked_as = (self.runs[0].history, len(marks), marks[-1:], axis, log)
        if marked_as == self._marked_as:
            return
        self._marked_as = marked_as
        self.marks.set_marks(placed_marks(marks, axis, log=log))

    def _on_theme_changed(self) -> None:
        self._colour()
        self.draw_soon()

    def _colour(self) -> None:
        colours = self.theme.colours
        self.setBackground(colours.surface)
        for axis in (self.y_axis, self.x_axis):
            axis.colour = colours.muted
        self._grid.colour = colours.hairline
        self.levels.colour, self.levels.ground = colours.muted, colours.surface
        self.marks.colours = self.crosshair.colours = colours

    # -- crosshair

    def point_at(self) -> int | None:
        """Index of the selected run's point at the crosshair."""
        curve = self.main_curve
        return None if self.view.place is None or curve is None else curve.nearest(self.view.place)

    def next_place(self, direction: int) -> float | None:
        """X of the next point, or where points are dense, of one a small step further."""
        curve = self.main_curve
        if curve is None or not len(curve.x):
            return None
        number = self.point_at()
        if number is None:  # begins at the newest visible point
            return float(curve.x[max(0, int(np.searchsorted(curve.x, self.view.high, "right")) - 1)])
        far = (self.view.high - self.view.low) / _KEY_STEPS
        there = curve.nearest(float(curve.x[number]) + direction * far)
        assert there is not None, "there are points"
        if direction * (there - number) < 1:
            there = number + direction
        return float(curve.x[min(max(there, 0), len(curve.x) - 1)])

    def _on_pointed(self) -> None:
        self._place_dots()

    def _place_dots(self) -> None:
        number = self.point_at()
        place: float | None = None
        dots: list[tuple[float, float, str]] = []
        curve = self.main_curve
        if number is not None and curve is not None:
            place = float(curve.x[number])
            for lines in self.lines:
                at = lines.train.nearest(place)
                if at is None or (lines.run is not self.runs[0] and place > lines.train.x[-1]):
                    continue
                value = float(lines.scale(log=self.log_y).places(lines.train.smooth[at : at + 1])[0])
                if math.isfinite(value):
                    dots.append((float(lines.train.x[at]), value, lines.colour(self.theme.colours)))
        self.crosshair.show_place(place, dots)
