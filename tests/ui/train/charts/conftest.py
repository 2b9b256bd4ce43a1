"""A run that grows as a trainer's does, its history, and charts of it."""

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QMenu, QWidget
from pytestqt.qtbot import QtBot

from benchmarks.redraw import chart_panel
from gptdesk.training.history.history import RunHistory
from gptdesk.ui.number_format import use_readable_locale
from gptdesk.ui.theme import Theme
from gptdesk.ui.train.charts.chart.chart import Chart
from gptdesk.ui.train.charts.panel import ChartPanel
from gptdesk.ui.train.charts.settings import ChartSettings, PlottedRun
from trainer.run_directory.layout import EVENTS

BEGAN = 1_790_000_000.0
MakePanel = Callable[..., ChartPanel]


def read_history(run: "Run") -> RunHistory:
    """What the run has recorded until now."""
    made = RunHistory(run.folder)
    made.update()
    return made


class Run:
    """A run directory that grows as a trainer's does."""

    def __init__(self, folder: Path, steps: int = 1000) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.sequence = folder, 0
        self.event("start", 0, steps=steps, tokens_per_step=1000, device="cpu", parameters=10)

    def event(self, kind: str, step: int, **values: Any) -> None:
        line = {"v": 1, "seq": self.sequence, "seg": 0, "t": BEGAN + step * 2, "ev": kind, "step": step, **values}
        self.sequence += 1
        with (self.folder / EVENTS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def steps(self, first: int, last: int, interval: int = 10, above: float = 0.0, **more: Any) -> None:
        for step in range(first, last + 1, interval):
            loss = above + 3.5 + 7 * math.exp(-step / 100) + 0.05 * math.sin(step)
            self.event(
                "step", step, tokens=step * 1000, epoch=step / 500, loss=loss, grad_norm=0.7, lr=6e-4,
                tokens_per_s=61_400.0, ms={"data": 1, "forward": 10, "backward": 20, "optimizer": 5},
                memory=2_000_000_000, **more,
            )  # fmt: skip


@pytest.fixture(autouse=True)
def readable() -> None:
    use_readable_locale()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = Run(tmp_path / "rün 1")
    for step in (100, 200, 300, 400):
        made.steps(step - 90, step)
        made.event("eval", step, val_loss=3.7 + 5 * math.exp(-step / 100), tokens=500, seconds=1.0, best=True)
    made.event("checkpoint", 200, folder="step-00000200")
    return made


@pytest.fixture
def history(run: Run) -> RunHistory:
    return read_history(run)


@pytest.fixture
def make_panel(qtbot: QtBot, theme: Theme, tmp_path: Path) -> MakePanel:
    def make(
        *runs: PlottedRun, settings: ChartSettings | None = None, size: tuple[int, int] = (760, 620)
    ) -> ChartPanel:
        panel = chart_panel(theme, settings or ChartSettings(), tmp_path)
        qtbot.addWidget(panel)
        panel.resize(*size)
        panel.show_runs(runs)
        panel.show()
        settle(panel)
        return panel

    return make


def choose(menu: QMenu, text: str) -> None:
    """Opens the menu and chooses an entry, which must be enabled."""
    menu.aboutToShow.emit()
    (action,) = [action for action in menu.actions() if action.text() == text]
    assert action.isEnabled()
    action.trigger()


def settle(panel: ChartPanel) -> None:
    """Draws what waits to be drawn."""
    for _ in range(3):  # the numbers beside a chart may make it narrower, and it is drawn again
        QApplication.processEvents()
        for chart in panel.charts():
            chart.draw()
            chart.viewport().repaint()
    QApplication.processEvents()


def large(panel: ChartPanel) -> Chart:
    return panel.charts()[0]


def colours_of(chart: Chart) -> set[str]:
    image = chart.grab().toImage()
    return {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())}


def process_events() -> None:
    """Paints what asked for it, and no more."""
    for _ in range(5):
        QApplication.processEvents()


def on_screen(widget: QWidget) -> QImage:
    """What the screen shows where the widget is: all that was painted since the window was opened."""
    window = widget.window()
    place = QRect(widget.mapTo(window, QPoint(0, 0)), widget.size())
    return window.screen().grabWindow(window.winId()).toImage().copy(place)


def read_table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
