"""Cards of the charts: the large one of the losses, and small ones whose metric can be chosen."""

from __future__ import annotations

from typing import Final

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout

from gptdesk.metrics import metric as metric_named
from gptdesk.metrics import primary
from gptdesk.ui.fonts import smaller
from gptdesk.ui.number_format import decimal
from gptdesk.ui.theme import Theme
from gptdesk.ui.train.charts.chart import Chart
from gptdesk.ui.train.charts.commands import metric_id
from gptdesk.ui.train.charts.controls import ChartControls
from gptdesk.ui.train.charts.curves import Curves
from gptdesk.ui.train.charts.legend import Legend, LegendEntry
from gptdesk.ui.train.charts.run_lines import DASHES, area_colours
from gptdesk.ui.train.charts.settings import SMALL_CHARTS, ChartSettings, level, value_name
from gptdesk.ui.train.charts.values import Narrator, ValueBox, small_value
from gptdesk.ui.train.charts.viewport import Viewport
from gptdesk.ui.widgets.inputs.boxes import MenuButton
from gptdesk.ui.widgets.popup import Menu
from gptdesk.ui.window.commands.registry import Commands

_LARGEST_LEGEND: Final = 420
"""Pixels of the legend beyond which names are elided rather than the buttons moved."""

_GAP: Final = 10
_MARGINS: Final = 30

NOTHING_YET: Final = "The curve begins with the first recorded step."


class LossCard(QFrame):
    """The chart of the losses, with the controls of all charts in the header."""

    def __init__(
        self, theme: Theme, commands: Commands, viewport: Viewport, curves: Curves, settings: ChartSettings
    ) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self._theme = theme
        self.title, self.legend = QLabel(primary().title), Legend()
        self.title.setProperty("kind", "title")
        self.controls = ChartControls(theme, commands, settings)
        self.chart = Chart(theme, viewport, curves, primary())
        self.values = ValueBox(self.chart)
        Narrator(self.chart)
        self.nothing = QLabel(NOTHING_YET, self.chart)
        self.nothing.setProperty("kind", "muted")
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.nothing.setWordWrap(True)
        self._header = QGridLayout()
        self._header.setHorizontalSpacing(_GAP)
        self._header.setVerticalSpacing(8)
        self._header.addWidget(self.title, 0, 0)
        self._header.addWidget(self.legend, 0, 1)
        self._header.setColumnStretch(1, 1)
        self._beside: bool | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 10, 8, 8)
        layout.setSpacing(4)
        header = QHBoxLayout()
        header.setContentsMargins(0, 0, 6, 0)
        header.addLayout(self._header)
        layout.addLayout(header)
        layout.addWidget(self.chart, 1)
        self._arrange()
        viewport.pointed.connect(self._on_pointed)
        theme.changed.connect(self.show_legend)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()
        self.nothing.setGeometry(self.chart.rect())

    def _arrange(self) -> None:
        """Places the controls beside the title where the legend fits too, else below it."""
        room = self.width() - _MARGINS
        legend = min(_LARGEST_LEGEND, self.legend.sizeHint().width())
        beside = self.controls.fit_into(room - self.title.sizeHint().width() - legend - 2 * _GAP)
        if not beside:
            self.controls.fit_into(room)
        if beside != self._beside:
            self._beside = beside
            row, column, span = (0, 2, 1) if beside else (1, 0, 2)
            align = Qt.AlignmentFlag.AlignRight if beside else Qt.AlignmentFlag.AlignLeft
            self._header.addWidget(self.controls, row, column, 1, span, align)

    def show_legend(self) -> None:
        """Updates the legend."""
        colours, chart = self._theme.colours, self.chart
        entries = []
        if chart.runs:
            own = getattr(colours, chart.runs[0].role)
            averaged = chart.settings.smoothing > 0
            entries = [LegendEntry("line", own, "train")]
            if averaged:
                entries.append(LegendEntry("faint", own, "raw"))
            entries.append(LegendEntry("dots", colours.good, "validation"))
        for number, run in enumerate(chart.runs[1:]):
            entries.append(LegendEntry("dash", getattr(colours, run.role), run.name, DASHES[number % len(DASHES)]))
        self.legend.show_entries(entries, colours.muted)
        self.show_nothing_yet()
        self._arrange()

    def show_nothing_yet(self) -> None:
        """Shows a hint while nothing is recorded."""
        self.nothing.setVisible(not any(len(lines.run.history.series(lines.value)) for lines in self.chart.lines))

    def _on_pointed(self) -> None:
        if self.chart.underMouse() or self.chart.by_keys:
            self.values.show_values()
        else:
            self.values.hide()


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
        self.chart.news.connect(self._show_value)
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
