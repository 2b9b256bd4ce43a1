"""Dashboard of the selected run: buttons, figures, charts, and the crash panel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMenu, QScrollArea, QVBoxLayout, QWidget

from gptdesk.loss_units import loss_unit
from gptdesk.training.history.history import RunHistory
from gptdesk.training.index import RunEntry
from gptdesk.training.scan_result import RunView
from gptdesk.ui.services.runs.pending_requests import Pending
from gptdesk.ui.theme import Theme
from gptdesk.ui.train.charts.panel import ChartPanel
from gptdesk.ui.train.charts.settings import OVERLAY_ROLES, ChartSettings, PlottedRun
from gptdesk.ui.train.runs.crash_panel import CrashPanel
from gptdesk.ui.train.runs.run_controls import Controls
from gptdesk.ui.train.runs.tiles import Tiles
from gptdesk.ui.window.commands.registry import Commands


class Dashboard(QWidget):
    """Shows one run.

    Args:
        commands: with those of `train_commands`.
        settings: of the charts.
        menu: of the "…" button.
    """

    def __init__(
        self, theme: Theme, commands: Commands, settings: ChartSettings, menu: QMenu, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.tiles = Tiles()
        self.charts = ChartPanel(theme, commands, settings)
        self.charts.settings_changed.connect(self._on_settings_changed)
        self._on_settings_changed(settings)
        self.crash = CrashPanel(theme, commands)
        self.controls = Controls(theme, commands, menu)
        self.problem = QLabel()
        self.problem.setProperty("kind", "warn")
        self.problem.setWordWrap(True)
        self._plotted: tuple[object, ...] = ()
        inner = QWidget()
        inner.setProperty("zone", "background")
        column = QVBoxLayout(inner)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(12)
        for widget in (self.problem, self.crash):
            column.addWidget(widget)
        self._head = QHBoxLayout()
        self._head.setSpacing(8)
        self._head.addWidget(self.tiles, 1)
        column.addLayout(self._head)
        column.addWidget(self.charts, 1)
        area = QScrollArea()
        area.setWidget(inner)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._bottom = QWidget()
        row = QVBoxLayout(self._bottom)
        row.setContentsMargins(12, 0, 12, 12)
        row.addWidget(self.controls)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(area, 1)
        layout.addWidget(self._bottom)

    def show_run(self, view: RunView, pending: Sequence[Pending]) -> None:
        """Shows the present state; charts are redrawn by `show_curves` and `refresh`."""
        entry = view.entry
        self.problem.setVisible(bool(entry.problem or entry.damage))
        self.problem.setText(entry.problem or entry.damage)
        crashed = view.diagnosis is not None and not entry.problem  # a run that cannot be read cannot be resumed
        self.crash.setVisible(crashed)
        if crashed and view.diagnosis is not None:
            self.crash.show_diagnosis(entry.folder, view.diagnosis)
        self.tiles.show_run(entry, view.history)
        self.controls.show_run(entry, pending)
        self._place_menu()

    @Slot(object)
    def _on_settings_changed(self, settings: ChartSettings) -> None:
        self.tiles.set_unit(loss_unit(settings.loss_unit))

    def _place_menu(self) -> None:
        """Keeps no row of buttons for the menu alone: it moves up beside the tiles."""
        alone, button = self.controls.alone, self.controls.more
        if alone == self._bottom.isHidden():
            return
        focused = button.hasFocus()
        self._bottom.setHidden(alone)
        if alone:
            self._head.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        else:
            self.controls.take_back_menu()
        if focused:
            button.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_curves(
        self,
        current: RunEntry,
        pinned: Sequence[RunEntry],
        histories: Mapping[Path, RunHistory],
        configs: Mapping[Path, Mapping[str, Any]],
    ) -> None:
        """Draws the curves of the selected run and of pinned ones; does nothing if they are the same."""
        others = [run for run in pinned if run.folder != current.folder]
        runs = [run for run in (current, *others) if run.folder in histories]
        plotted = tuple((run.name, run.steps, histories[run.folder], configs.get(run.folder)) for run in runs)
        if plotted == self._plotted:
            return
        self._plotted = plotted
        self.charts.show_runs(
            [_plotted(run, histories[run.folder], place, configs.get(run.folder, {})) for place, run in enumerate(runs)]
        )

    def refresh(self) -> None:
        """Draws new points of the curves."""
        self.charts.refresh()


def _plotted(run: RunEntry, history: RunHistory, place: int, config: Mapping[str, Any]) -> PlottedRun:
    return PlottedRun(
        name=run.name,
        history=history,
        role=OVERLAY_ROLES[(place - 1) % len(OVERLAY_ROLES)] if place else "accent",
        current=not place,
        steps=run.steps,
        config=dict(config),
    )
