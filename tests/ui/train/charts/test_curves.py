"""Curves: averages that go on, long ones in another thread, resumed runs."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from benchmarks.redraw import chart_panel, write_run
from gptdesk.training.history.history import RunHistory
from gptdesk.ui.services.background import TaskQueue
from gptdesk.ui.theme import Theme
from gptdesk.ui.train.charts.curves.curve import AT_ONCE, Curve
from gptdesk.ui.train.charts.panel import ChartPanel
from gptdesk.ui.train.charts.settings import ChartSettings, PlottedRun

from .conftest import Run, large


@contextmanager
def other_thread_held_up(panel: ChartPanel) -> Iterator[None]:
    """Nothing that the thread of the curves is given is done until this ends."""
    go_on = threading.Event()
    next(queue for queue in panel.findChildren(TaskQueue) if queue.name == "curves").run(go_on.wait)
    try:
        yield
    finally:
        go_on.set()


def test_long_curves_are_worked_out_in_another_thread_and_kept(theme: Theme, tmp_path: Path, qtbot: QtBot) -> None:
    long = RunHistory(tmp_path)
    write_run(tmp_path, 1, AT_ONCE + 5, steps=AT_ONCE + 1000)
    long.update()
    panel = chart_panel(theme, ChartSettings(), tmp_path)
    qtbot.addWidget(panel)
    panel.show()
    with other_thread_held_up(panel):
        panel.show_runs([PlottedRun("long", long)])
        curve = large(panel).lines[0].train
        assert not len(curve.x)
        assert panel.loss is not None
        assert not panel.loss.nothing.isVisible(), "there is something, though it is not drawn yet"
    qtbot.waitUntil(lambda: len(curve.x) == AT_ONCE + 5)
    whole = Curve(long, "loss")
    whole.update("step", log_x=False, smoothing=0.6)
    np.testing.assert_array_equal(curve.smooth, whole.smooth)

    with other_thread_held_up(panel):
        panel.apply(ChartSettings(axis="time", log_x=True, smoothing=0.9))
        assert not len(curve.x), "places on another axis are not drawn"
    write_run(tmp_path, AT_ONCE + 6, AT_ONCE + 9, steps=AT_ONCE + 1000)
    long.update()
    panel.refresh()
    qtbot.waitUntil(lambda: len(curve.x) == AT_ONCE + 9)
    whole.update("time", log_x=True, smoothing=0.9)
    np.testing.assert_allclose(curve.smooth, whole.smooth, rtol=1e-9)
    np.testing.assert_array_equal(curve.x, whole.x)

    other = RunHistory(tmp_path / "none")
    panel.show_runs([PlottedRun("long", long), PlottedRun("none", other, "warn", False)])
    assert large(panel).lines[0].train is curve
    assert len(curve.x) == AT_ONCE + 9


@pytest.mark.parametrize("smoothing", [0.0, 0.6, 0.999])
@pytest.mark.parametrize("pieces", [1, 700])
def test_averages_go_on_across_values_that_are_missing(
    run: Run, history: RunHistory, smoothing: float, pieces: int
) -> None:
    curve = Curve(history, "loss")
    curve.update("step", log_x=True, smoothing=smoothing)
    for number in range(3):
        first = 410 + 2 * number * pieces
        run.steps(first, first + pieces - 1, interval=1)
        run.event("step", first + pieces, tokens=1, loss=None, lr=1e-4)
        history.update()
        curve.update("step", log_x=True, smoothing=smoothing)
    whole = Curve(history, "loss")
    whole.update("step", log_x=True, smoothing=smoothing)
    np.testing.assert_allclose(curve.smooth, whole.smooth, rtol=1e-9)
    np.testing.assert_array_equal(curve.x, whole.x)


def test_an_average_that_grows_is_the_one_of_the_whole(run: Run, history: RunHistory) -> None:
    curve = Curve(history, "loss")
    curve.update("step", log_x=False, smoothing=0.9)
    for last in range(500, 10_000, 500):
        run.steps(last - 90, last)
        history.update()
        curve.update("step", log_x=False, smoothing=0.9)
    whole = Curve(history, "loss")
    whole.update("step", log_x=False, smoothing=0.9)
    np.testing.assert_allclose(curve.smooth, whole.smooth, rtol=1e-9)
    assert curve.x.tolist() == whole.x.tolist()


def test_a_resumed_run_is_drawn_from_where_it_went_on(run: Run, history: RunHistory) -> None:
    curve = Curve(history, "loss")
    curve.update("step", log_x=False, smoothing=0.5)
    run.event("start", 200, steps=1000, tokens_per_step=1000, device="cpu")
    run.steps(210, 300)
    history.update()
    curve.update("step", log_x=False, smoothing=0.5)
    assert curve.x[-1] == 300
    assert len(curve.smooth) == len(curve.x) == len(history.series("loss"))
