"""A small card: a chart whose metric can be chosen."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout

from gptdesk.metrics import metric as metric_named
from gptdesk.ui.fonts import smaller
from gptdesk.ui.number_format import decimal
from gptdesk.ui.theme import Theme
from gptdesk.ui.train.charts.chart.chart import Chart
from gptdesk.ui.train.charts.chart.narrator import Narrator
from gptdesk.ui.train.charts.chart.values import small_value
from gptdesk.ui.train.charts.commands import metric_id
from gptdesk.ui.train.charts.curves.curve_store import Curves
from gptdesk.ui.train.charts.painting.areas import area_colours
from gptdesk.ui.train.charts.painting.legend import Legend, LegendEntry
from gptdesk.ui.train.charts.settings import SMALL_CHARTS, level, value_name
from gptdesk.ui.train.charts.viewport import Viewport
from gptdesk.ui.widgets.inputs.boxes import MenuButton
from gptdesk.ui.widgets.popup import Menu
from gptdesk.ui.window.commands.registry import Commands


class SmallCard(QFrame):
    """A small chart; its title is a menu of metrics.

    Args:
        commands: with those of `chart_commands`.
        place: one of `PLACES`.
        metric: key of its metric.
    """

    def __init__(
        self, theme: Theme, commands: Commands, viewport: Viewport, curves: Curves, place: str, metric: str
    ) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self._theme = theme
        self.chart = Chart(theme, viewport, curves, metric_named(metric), small=True)
        Narrator(self.chart)
        self._shown: tuple[object, ...] = ()
        menu, ids = Menu(self), [metric_id(place, key) for key in SMALL_CHARTS]
        menu.addActions([commands.action(id) for id in ids])
        menu.aboutToShow.connect(lambda: commands.refresh(*ids))
        self.title = MenuButton("title", menu)
        self.title.setToolTip("Choose the metric of this chart")
        self.value, self.legend = QLabel(), Legend()
        self.value.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.value.setProperty("kind", "muted")
        self.value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.legend.setFont(smaller(self.font()))
        header = QHBoxLayout()
        header.setContentsMargins(0, 0, 8, 0)
        header.setSpacing(4)
        header.addWidget(self.title)
        header.addWidget(self.value, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 6)
        layout.setSpacing(0)
        layout.addLayout(header)
        below = QHBoxLayout()
        below.setContentsMargins(10, 0, 8, 0)
        below.addWidget(self.legend)
        layout.addLayout(below)
        layout.addWidget(self.chart, 1)
        self.chart.drawn.connect(self._show_value)
        self.chart.points_added.connect(self._show_value)
        viewport.pointed.connect(self._show_value)
        theme.changed.connect(self._show_metric)
        self._show_metric()

    def set_metric(self, metric: str) -> None:
        """Shows another metric."""
        self.chart.set_metric(metric_named(metric))
        self._show_metric()

    def _show_metric(self) -> None:
        metric = self.chart.quantity
        self.title.setText(metric.title)
        self.title.setAccessibleName(f"{metric.title}: choose another")
        self.title.updateGeometry()
        self._shown = ()
        self._show_value()

    def _show_legend(self) -> None:
        """Updates the legend of a metric with several values."""
        colours, chart = self._theme.colours, self.chart
        found = [
            lines
            for lines in chart.lines
            if lines.run is chart.runs[0] and np.isfinite(lines.train.series.value[-1:]).any()
        ]
        shown = (chart.quantity, colours, *(lines.value for lines in found))
        if shown == self._shown:
            return
        self._shown = shown
        entries = [LegendEntry("line", lines.colour(colours), value_name(lines.run, lines.value)) for lines in found]
        if chart.quantity.stacked:
            parts = chart.quantity.values
            shades = zip(parts, area_colours(len(parts), colours), strict=True)
            entries = [LegendEntry("area", shade, part.name) for part, shade in shades]
        self.legend.setVisible(len(entries) > 1)
        self.legend.show_entries(entries, colours.muted)

    def _show_value(self) -> None:
        self._show_legend()
        metric, runs = self.chart.quantity, self.chart.runs
        limit = level(runs[0], metric) if runs else 0.0
        value = small_value(self.chart)
        whole = f"{value}  ·  {metric.level_name} {decimal(limit, 1)}" if limit and value else value
        metrics, room = self.value.fontMetrics(), self.value.width()
        text = next((words for words in (whole, value) if metrics.horizontalAdvance(words) <= room), "")
        if text != self.value.text():
            self.value.setText(text)
