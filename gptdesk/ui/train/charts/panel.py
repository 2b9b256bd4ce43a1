"""The charts of the page: losses above, two more metrics below. Loads pyqtgraph when first shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from gptdesk.loss_units import loss_unit
from gptdesk.ui.file_names import file_name
from gptdesk.ui.fonts import scaled
from gptdesk.ui.services.background import TaskQueue
from gptdesk.ui.theme import Theme
from gptdesk.ui.throttle import RateLimit
from gptdesk.ui.train.charts.commands import FORMATS, PLACES, PREFIX
from gptdesk.ui.train.charts.curves.curve_store import Curves
from gptdesk.ui.train.charts.settings import AXIS_TITLES, ChartSettings, PlottedRun
from gptdesk.ui.window.commands.registry import Commands

if TYPE_CHECKING:
    from gptdesk.ui.train.charts.chart.chart import Chart
    from gptdesk.ui.train.charts.loss_card import LossCard
    from gptdesk.ui.train.charts.small_card import SmallCard

_GAP: Final = 12
_LEAST_HEIGHT: Final = 320
"""In pixels at a font of 13 pixels; a lower page scrolls."""

_SMALL_MS: Final = 1000
"""Interval of updates of the small charts, in milliseconds."""


class ChartPanel(QWidget):
    """Three charts of the same runs over the same x range.

    Args:
        theme: of their colours.
        commands: with those of `chart_commands`.
        settings: initial settings.

    Attributes:
        settings: current settings.
        runs: the selected run and the pinned ones.

    Signals:
        settings_changed(object): the user changed the settings; the new `ChartSettings`.
        saved(object): the charts or their values were written to this `Path`.
        failed(str): saving failed; a sentence that says why.
    """

    settings_changed = Signal(object)
    saved = Signal(object)
    failed = Signal(str)

    def __init__(
        self, theme: Theme, commands: Commands, settings: ChartSettings, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme, self._commands, self.settings = theme, commands, settings
        self.runs: list[PlottedRun] = []
        self._versions: list[int] = []
        self._curves = Curves(self)
        self._exports = TaskQueue("export of charts", self)
        self._curves.ready.connect(self._on_ready)
        self._small_refresh = RateLimit(self._refresh_small, _SMALL_MS, self)
        self.loss: LossCard | None = None
        self.small: list[SmallCard] = []
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(_GAP)
        self.setMinimumHeight(scaled(_LEAST_HEIGHT))

    def sizeHint(self) -> QSize:
        """The minimum height: layouts take hints as minimum heights where a label above wraps."""
        return QSize(super().sizeHint().width(), scaled(_LEAST_HEIGHT))

    # -- contents

    def show_runs(self, runs: Sequence[PlottedRun]) -> None:
        """Shows these runs; the first is the selected one, the others are pinned."""
        another = not (self.runs and runs and self.runs[0].history is runs[0].history)
        self.runs = list(runs)
        self._curves.keep(runs)
        self._versions = []
        if self.loss is None:
            return
        for chart in self.charts():
            chart.show_runs(self.runs)
        if another or not self._viewport.zoomed:
            self._viewport.fit(self.runs, self.settings)
        self.refresh()
        self.loss.show_legend()
        self._refresh_commands()

    def _refresh_commands(self) -> None:
        """Shows in buttons and menus which commands are possible and switched on."""
        self._commands.refresh(*(command.id for command in self._commands if command.id.startswith(PREFIX)))

    def refresh(self) -> None:
        """Draws new points; costs nothing if there are none or the panel is hidden."""
        versions = [run.history.version for run in self.runs]
        if self.loss is None or not self.isVisible() or versions == self._versions:
            return
        self._versions = versions
        if self.settings.follow:
            self._viewport.follow(self.runs, self.settings)
        self.loss.chart.refresh()
        self.loss.show_notes()
        self._small_refresh.request()

    def _refresh_small(self) -> None:
        if self.isVisible():
            for card in self.small:
                card.chart.refresh()

    def _on_ready(self) -> None:
        """Draws a curve that was computed in the background."""
        for chart in self.charts():
            chart.refresh()

    def apply(self, settings: ChartSettings) -> None:
        """Applies other settings."""
        before, self.settings = self.settings, settings
        if self.loss is None:
            return
        self.loss.controls.show_settings(settings)
        if (before.axis, before.log_x) != (settings.axis, settings.log_x):
            self._viewport.fit(self.runs, settings)
        elif settings.follow and not before.follow:
            self._viewport.catch_up(self.runs, settings)
        for card, place in zip(self.small, PLACES, strict=True):
            card.set_metric(getattr(settings, place))
        for chart in self.charts():
            chart.apply(settings)
        self.loss.show_legend()
        self._refresh_commands()

    def fit(self) -> None:
        """Shows everything."""
        if self.loss is None:
            return
        self._viewport.fit(self.runs, self.settings)
        for chart in self.charts():
            chart.fit_heights()

    def charts(self) -> list[Chart]:
        """The large chart and the small ones; empty before they were first shown."""
        return [] if self.loss is None else [self.loss.chart, *(card.chart for card in self.small)]

    # -- construction

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.loss is None:
            self._build()
        self._versions = []
        self.refresh()

    def _build(self) -> None:
        from gptdesk.ui.train.charts.loss_card import LossCard
        from gptdesk.ui.train.charts.small_card import SmallCard
        from gptdesk.ui.train.charts.viewport import Viewport

        self._viewport = Viewport(self)
        self.loss = LossCard(self._theme, self._commands, self._viewport, self._curves, self.settings)
        self.small = [
            SmallCard(self._theme, self._commands, self._viewport, self._curves, place, getattr(self.settings, place))
            for place in PLACES
        ]
        below = QHBoxLayout()
        below.setSpacing(_GAP)
        for card in self.small:
            below.addWidget(card, 1)
        self._layout.addWidget(self.loss, 9)
        self._layout.addLayout(below, 4)
        self.loss.values.float_over(self)
        self.loss.controls.changed.connect(self.choose)
        self._viewport.left_newest.connect(self._on_left_newest)
        for chart in self.charts():
            chart.box.fit_wanted.connect(self.fit)
        self.apply(self.settings)
        self.show_runs(self.runs)

    # -- user actions

    def choose(self, settings: ChartSettings) -> None:
        """Applies settings that the user chose, and emits `settings_changed` if they differ."""
        if settings != self.settings:
            self.apply(settings)
            self.settings_changed.emit(settings)

    def _on_left_newest(self) -> None:
        """Stops following: the user looks at an earlier range."""
        self.choose(replace(self.settings, follow=False))

    def open_smoothing(self) -> None:
        """Opens the slider of the smoothing."""
        if self.loss is not None:
            self.loss.controls.open_smoothing()

    def why_no_comparison(self) -> str | None:
        """Why runs cannot be compared; ``None`` if they can."""
        return None if len(self.runs) > 1 else "Pin another run first, to compare it with this one."

    def compare(self) -> None:
        """Opens a table of the runs' validation losses and the settings in which they differ."""
        from gptdesk.ui.train.charts.comparison import CompareDialog

        CompareDialog(self.runs, self).open()

    def ask_where_to_save(self, kind: str) -> None:
        """Asks for a file and exports the charts to it in that format."""
        name = file_name(self.runs[0].name) if self.runs else "charts"
        place = str(Path.home() / f"{name}.{kind}")
        path, _ = QFileDialog.getSaveFileName(self, "Save the charts", place, f"{FORMATS[kind][2]};;All files (*)")
        if path:
            self.save(kind, Path(path))

    def save(self, kind: str, path: Path) -> None:
        """Writes the charts as "png" or "svg", or every value of what they show as "csv"; `saved` or `failed` tells."""
        if self.loss is None:
            return
        from gptdesk.ui.train.charts.export.picture import picture, write_picture
        from gptdesk.ui.train.charts.export.table import write_csv

        if kind == "csv":
            metrics = [chart.quantity.key for chart in self.charts()]
            write = partial(write_csv, list(self.runs), metrics, path, unit=loss_unit(self.settings.loss_unit))
        else:
            names, axis = [run.name for run in self.runs], AXIS_TITLES[self.settings.axis].title
            content = picture(self, [self.loss, *self.small], kind, runs=names, axis=axis)
            write = partial(write_picture, content, path)
        self._exports.run(write, lambda _: self.saved.emit(path), self.failed.emit)
