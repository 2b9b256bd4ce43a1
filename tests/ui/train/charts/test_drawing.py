"""What a chart draws, when it draws it again, and when there is nothing new to draw."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from benchmarks.redraw import chart_panel
from gptdesk.training.history.history import RunHistory
from gptdesk.ui.theme import Theme
from gptdesk.ui.train.charts.curves.y_scale import LINEAR
from gptdesk.ui.train.charts.export.table import write_csv
from gptdesk.ui.train.charts.painting.polyline import covered
from gptdesk.ui.train.charts.settings import ChartSettings, PlottedRun

from .conftest import MakePanel, Run, colours_of, large, on_screen, process_events, read_history, read_table, settle


def test_a_run_is_drawn_with_its_validation_in_the_colours_of_the_theme(
    make_panel: MakePanel, history: RunHistory, theme: Theme
) -> None:
    panel = make_panel(PlottedRun("one", history))
    shown = colours_of(large(panel))
    assert theme.colours.accent.lower() in shown
    assert theme.colours.good.lower() in shown
    assert theme.colours.surface.lower() in shown


def test_nothing_of_what_was_drawn_before_is_left_on_the_screen(
    history: RunHistory, run: Run, theme: Theme, tmp_path: Path, qtbot: QtBot
) -> None:
    panel = chart_panel(theme, ChartSettings(axis="tokens"), tmp_path)
    qtbot.addWidget(panel)
    panel.resize(640, 560)
    panel.show()
    process_events()
    panel.show_runs([PlottedRun("one", history, steps=1_000_000)])
    process_events()
    panel.apply(ChartSettings(log_y=True, right="memory"))
    for last in (450, 900):
        run.steps(last - 40, last)
        history.update()
        panel.refresh()
        process_events()
    for chart in panel.charts():
        seen = on_screen(chart)
        chart.viewport().repaint()
        assert on_screen(chart) == seen


def furthest(one: QImage, other: QImage) -> int:
    """The largest difference of a colour between two pictures."""
    pixels = [np.frombuffer(image.constBits(), np.uint8).astype(int) for image in (one, other)]
    return int(np.abs(pixels[0] - pixels[1]).max())


def test_another_theme_redraws_everything(make_panel: MakePanel, history: RunHistory, theme: Theme) -> None:
    panel = make_panel(PlottedRun("one", history))
    theme.set_mode("dark")
    settle(panel)
    shown = colours_of(large(panel))
    assert theme.colours.accent.lower() in shown
    assert "#ffffff" not in shown


def test_a_run_without_steps_says_what_there_will_be(make_panel: MakePanel, tmp_path: Path) -> None:
    history = RunHistory(Run(tmp_path / "new").folder)
    history.update()
    panel = make_panel(PlottedRun("new", history))
    assert panel.loss is not None
    assert panel.loss.nothing.isVisible()


def test_the_curve_grows_as_the_run_does(make_panel: MakePanel, history: RunHistory, run: Run) -> None:
    panel = make_panel(PlottedRun("one", history, steps=1000))
    assert large(panel).view.high == 500, "half of the plan is shown while it is enough"
    run.steps(410, 700)
    history.update()
    panel.refresh()
    settle(panel)
    assert large(panel).lines[0].train.x[-1] == 700
    assert large(panel).view.high == 1000


def test_nothing_is_drawn_anew_while_nothing_is_new(make_panel: MakePanel, history: RunHistory, qtbot: QtBot) -> None:
    panel = make_panel(PlottedRun("one", history))
    with qtbot.assertNotEmitted(large(panel).drawn, wait=50):
        panel.refresh()


def test_a_step_that_would_be_painted_where_the_line_is_already_is_not_drawn(
    make_panel: MakePanel, history: RunHistory, run: Run, qtbot: QtBot
) -> None:
    run.steps(410, 20_000, interval=1)
    history.update()
    panel = make_panel(PlottedRun("one", history, steps=1_000_000))
    settle(panel)
    drawn: list[int] = []
    for step in range(20_001, 20_021):  # of 31,250 steps on some 700 pixels
        large(panel).drawn.connect(lambda step=step: drawn.append(step))
        run.steps(step, step)
        history.update()
        panel.refresh()
        process_events()
        large(panel).drawn.disconnect()
        if step not in drawn:
            seen = on_screen(large(panel))
            large(panel).draw()
            large(panel).viewport().repaint()
            assert furthest(on_screen(large(panel)), seen) <= 24, "of 255, where the line ends within a pixel"
    assert len(drawn) < 10, "only where the line reaches a pixel in which it has not been"
    assert large(panel).lines[0].train.series.step[-1] == 20_020
    run.steps(20_100, 20_200, interval=50)
    history.update()
    with qtbot.waitSignal(large(panel).drawn):
        panel.refresh()


def test_a_value_that_is_not_finite_breaks_the_line_and_hangs_from_the_top(
    make_panel: MakePanel, run: Run, history: RunHistory
) -> None:
    run.event("step", 410, tokens=410_000, loss=None, nonfinite=["loss"], grad_norm=1.0, lr=1e-4, tokens_per_s=1.0,
              ms={"data": 1, "forward": 1, "backward": 1, "optimizer": 1}, memory=1)  # fmt: skip
    run.steps(420, 500)
    history.update()
    panel = make_panel(PlottedRun("one", history))
    assert "nonfinite" in {mark.kind for mark in large(panel).marks.marks}
    points = large(panel).lines[0].train.raw_points(0, 1000, 500, LINEAR)
    assert np.isnan(points.y).any()


def test_an_axis_of_values_that_differ_by_rounding_alone_has_short_numbers(
    make_panel: MakePanel, tmp_path: Path
) -> None:
    run = Run(tmp_path / "constant")
    for step in range(1, 100):
        run.event("step", step, tokens=step, loss=3.0 + 1e-15 * (step % 3), lr=1e-3, grad_norm=1.0)
    history = RunHistory(run.folder)
    history.update()
    labels = [tick.text for tick in large(make_panel(PlottedRun("one", history))).y_axis.ticks]
    assert len(labels) > 1
    assert max(map(len, labels)) <= 5


def test_load_and_memory_are_drawn_with_a_line_for_the_gpu(
    make_panel: MakePanel, tmp_path: Path, qtbot: QtBot, theme: Theme
) -> None:
    run = Run(tmp_path)
    run.event("start", 0, steps=1000, tokens_per_step=1000, device="cuda:0")
    for step in range(10, 200, 10):
        run.event("step", step, tokens=step, loss=4.0, cpu=0.12, gpu=0.97, memory=40_000_000_000, ram=3_000_000_000)
    history = RunHistory(tmp_path)
    history.update()
    panel = make_panel(PlottedRun("one", history), settings=ChartSettings(left="load", right="memory"))
    load, memory = panel.small
    assert panel.loss is not None
    assert load.value.text() == "CPU 12 %, GPU 97 %"
    assert memory.value.text() == "GPU 40.0 GB, process 3.0 GB"
    assert load.legend.accessibleName() == "Lines: CPU, GPU"
    assert {theme.colours.accent.lower(), theme.colours.good.lower()} <= colours_of(load.chart)
    large(panel).view.point(100.0)
    panel.loss.values.show_values()
    assert "CPU 12 %, GPU 97 %" in panel.loss.values.label.text()
    write_csv(panel.runs, ["loss", "load", "memory"], tmp_path / "t.csv")
    last = read_table(tmp_path / "t.csv")[-1]
    assert [last[name] for name in ("cpu", "gpu", "memory", "ram")] == ["0.12", "0.97", "40000000000.0", "3000000000.0"]


def test_without_a_gpu_there_is_one_line_and_no_name(make_panel: MakePanel, history: RunHistory) -> None:
    panel = make_panel(PlottedRun("one", history), settings=ChartSettings(left="load", right="memory"))
    assert panel.small[1].value.text() == "2.0 GB"
    assert not panel.small[1].legend.isVisible()
    assert panel.small[0].value.text() == "", "that run did not log it"


def test_pinned_runs_are_drawn_dashed_in_a_colour_of_their_own(
    make_panel: MakePanel, history: RunHistory, tmp_path: Path, theme: Theme
) -> None:
    other = Run(tmp_path / "other")
    other.steps(10, 200, above=2.0)
    panel = make_panel(PlottedRun("one", history), PlottedRun("two", read_history(other), "warn", False))
    assert theme.colours.warn.lower() in colours_of(large(panel))


def test_the_columns_that_a_line_covers_hold_all_its_points() -> None:
    rng = np.random.default_rng(0)
    x, y = np.sort(rng.uniform(3, 90, 500)), rng.normal(0, 50, 500)
    left, smallest, largest = covered(x, y, 2.0, 0.3)
    column = np.searchsorted(left, x, side="right") - 1
    assert (smallest[column] <= y).all()
    assert (largest[column] >= y).all()
    assert np.diff(left) == pytest.approx(0.5)
