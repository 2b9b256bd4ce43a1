"""The charts of a run: real events in the trainer's format, real widgets; and the figures beside them."""

import csv
import json
import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QFont, QImage, QMouseEvent, QWheelEvent
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication, QMenu, QWidget
from pytestqt.qtbot import QtBot

from benchmarks.redraw import chart_panel, write_run
from gptdesk.training.differences import settings_diff
from gptdesk.training.history.history import RunHistory
from gptdesk.training.index import RunEntry
from gptdesk.training.published import published_losses
from gptdesk.ui.number_format import use_readable_locale
from gptdesk.ui.services.background import TaskQueue
from gptdesk.ui.theme import Theme
from gptdesk.ui.train.charts.chart import Chart
from gptdesk.ui.train.charts.export import write_csv
from gptdesk.ui.train.charts.panel import ChartPanel
from gptdesk.ui.train.charts.points import AT_ONCE, Curve
from gptdesk.ui.train.charts.polyline import covered
from gptdesk.ui.train.charts.settings import ChartSettings, PlottedRun
from gptdesk.ui.train.charts.settings_comparison import CompareDialog
from gptdesk.ui.train.charts.ticks import ticks
from gptdesk.ui.train.runs.sparkline import Sparkline
from gptdesk.ui.train.runs.tiles import NOTHING, Tile, Tiles
from trainer.run_directory.layout import EVENTS
from trainer.run_directory.state import RunState

BEGAN = 1_790_000_000.0
AS_AT_FIRST = ChartSettings()


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

    def steps(self, first: int, last: int, interval: int = 10, above: float = 0.0) -> None:
        for step in range(first, last + 1, interval):
            loss = above + 3.5 + 7 * math.exp(-step / 100) + 0.05 * math.sin(step)
            self.event(
                "step", step, tokens=step * 1000, epoch=step / 500, loss=loss, grad_norm=0.7, lr=6e-4,
                tokens_per_s=61_400.0, ms={"data": 1, "forward": 10, "backward": 20, "optimizer": 5},
                memory=2_000_000_000,
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
    made = RunHistory(run.folder)
    made.update()
    return made


MakePanel = Callable[..., ChartPanel]


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


# -- drawing


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


def process_events() -> None:
    """Paints what asked for it, and no more."""
    for _ in range(5):
        QApplication.processEvents()


def on_screen(widget: QWidget) -> QImage:
    """What the screen shows where the widget is: all that was painted since the window was opened."""
    window = widget.window()
    place = QRect(widget.mapTo(window, QPoint(0, 0)), widget.size())
    return window.screen().grabWindow(window.winId()).toImage().copy(place)


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


def test_what_was_held_does_not_move(make_panel: MakePanel, history: RunHistory, run: Run) -> None:
    panel = make_panel(PlottedRun("one", history), settings=ChartSettings(follow=False))
    before = large(panel).view.low, large(panel).view.high
    run.steps(410, 990)
    history.update()
    panel.refresh()
    settle(panel)
    assert (large(panel).view.low, large(panel).view.high) == before


def test_a_part_that_is_followed_moves_and_stays_as_wide(make_panel: MakePanel, history: RunHistory, run: Run) -> None:
    panel = make_panel(PlottedRun("one", history))
    large(panel).view.choose(300, 420)
    run.steps(410, 700)
    history.update()
    panel.refresh()
    view = large(panel).view
    assert view.high > 700
    assert view.high - view.low == pytest.approx(120)


def test_nothing_is_drawn_anew_while_nothing_is_new(make_panel: MakePanel, history: RunHistory, qtbot: QtBot) -> None:
    panel = make_panel(PlottedRun("one", history))
    with qtbot.assertNotEmitted(large(panel).drawn, wait=50):
        panel.refresh()


def test_looking_back_stops_following_and_following_goes_back(
    make_panel: MakePanel, history: RunHistory, qtbot: QtBot
) -> None:
    panel = make_panel(PlottedRun("one", history))
    with qtbot.waitSignal(panel.settings_changed) as heard:
        large(panel).view.choose(50, 100)
    assert heard.args == [ChartSettings(follow=False)]
    assert panel.loss is not None
    qtbot.mouseClick(panel.loss.controls.follow, Qt.MouseButton.LeftButton)
    assert panel.settings.follow
    assert large(panel).view.high >= 400


# -- what the person does


def test_the_wheel_zooms_all_charts_around_the_pointer_and_a_double_click_shows_everything(
    make_panel: MakePanel, history: RunHistory, qtbot: QtBot
) -> None:
    panel = make_panel(PlottedRun("one", history))
    chart, middle = large(panel), large(panel).rect().center()
    before = chart.view.high - chart.view.low
    wheel(chart, middle, 120)
    settle(panel)
    assert chart.view.high - chart.view.low < before
    assert all(c.box.viewRange()[0] == [chart.view.low, chart.view.high] for c in panel.charts())
    qtbot.mouseDClick(chart.viewport(), Qt.MouseButton.LeftButton, pos=middle)
    qtbot.waitUntil(lambda: chart.view.high - chart.view.low == before)


def wheel(chart: Chart, at: QPoint, turn: int) -> None:
    where, nothing = QPointF(at), QPoint(0, 0)
    event = QWheelEvent(
        where, QPointF(chart.mapToGlobal(at)), nothing, QPoint(0, turn), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(chart.viewport(), event)


def test_dragging_selects_what_is_shown_and_with_shift_moves_it(make_panel: MakePanel, history: RunHistory) -> None:
    panel = make_panel(PlottedRun("one", history), settings=ChartSettings(follow=False))
    chart = large(panel)
    start, stop = (chart.mapFromScene(chart.box.mapToScene(QPointF(chart.crosshair.left(x), 60))) for x in (100, 300))
    drag(chart, start, stop)
    settle(panel)
    assert (chart.view.low, chart.view.high) == pytest.approx((100, 300), abs=2)
    assert chart.box.selection is None
    drag(chart, stop, start, Qt.KeyboardModifier.ShiftModifier)
    assert chart.view.low > 150
    assert chart.view.high - chart.view.low == pytest.approx(200, abs=3)
    low = chart.view.low
    drag(chart, start, start + QPoint(200, 150))
    settle(panel)
    assert chart.view.low > low
    assert chart.box.viewRange()[1] == list(chart.heights or ())


def drag(
    chart: Chart, start: QPoint, stop: QPoint, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
) -> None:
    left, nothing = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    middle = (start + stop) / 2
    for kind, at, button, held in (
        (QEvent.Type.MouseMove, start, nothing, nothing),
        (QEvent.Type.MouseButtonPress, start, left, left),
        (QEvent.Type.MouseMove, middle, nothing, left),
        (QEvent.Type.MouseMove, stop, nothing, left),
        (QEvent.Type.MouseButtonRelease, stop, left, nothing),
    ):
        event = QMouseEvent(kind, QPointF(at), QPointF(chart.viewport().mapToGlobal(at)), button, held, modifiers)
        QApplication.sendEvent(chart.viewport(), event)


def test_keys_zoom_move_and_show_everything(make_panel: MakePanel, history: RunHistory, qtbot: QtBot) -> None:
    panel = make_panel(PlottedRun("one", history), settings=ChartSettings(follow=False))
    chart = large(panel)
    low, high = chart.view.low, chart.view.high
    qtbot.keyClick(chart, Qt.Key.Key_Plus)
    assert chart.view.high - chart.view.low < high - low
    before = chart.view.low
    qtbot.keyClick(chart, Qt.Key.Key_Left)
    assert chart.view.low < before
    qtbot.keyClick(chart, Qt.Key.Key_0)
    assert (chart.view.low, chart.view.high) == (low, high)


def test_the_pointer_tells_the_values_of_the_nearest_step(
    make_panel: MakePanel, history: RunHistory, qtbot: QtBot
) -> None:
    panel = make_panel(PlottedRun("one", history))
    assert panel.loss is not None
    chart = large(panel)
    place = chart.mapFromScene(chart.box.mapToScene(QPointF(chart.crosshair.left(201), 40)))
    qtbot.mouseMove(chart.viewport(), place)
    chart.view.point(201.0)
    panel.loss.values.show_values()
    text = panel.loss.values.label.text()
    assert "Step 200" in text
    assert "200,000 tokens" in text
    assert "Validation, step 200" in text
    assert "0.000600" in text
    chart.view.point(None)
    panel.loss.values.show_values()
    assert not panel.loss.values.isVisible()


def test_every_choice_in_the_header_is_told(make_panel: MakePanel, history: RunHistory, qtbot: QtBot) -> None:
    panel = make_panel(PlottedRun("one", history))
    assert panel.loss is not None
    controls, told = panel.loss.controls, []
    panel.settings_changed.connect(told.append)
    qtbot.mouseClick(controls.log_y, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(controls.log_x, Qt.MouseButton.LeftButton)
    controls.smoothing.box.setValue(0.9)
    choose(controls.axis.menu(), "Tokens")
    choose(controls.menu, "Published losses of GPT-2")
    choose(panel.small[1].title.menu(), "Step time")
    settle(panel)
    assert told[-1] == ChartSettings(
        axis="tokens", log_x=True, log_y=True, smoothing=0.9, published=True, right="split"
    )
    assert large(panel).view.high == pytest.approx(math.log10(500_000))
    assert next(word for _, word in large(panel).levels.lines) == "GPT-2 124M on OpenWebText 3.12"


def test_choices_survive_as_plain_values_and_bad_ones_do_no_harm() -> None:
    chosen = ChartSettings(axis="time", log_y=True, smoothing=0.99, left="memory")
    assert ChartSettings.from_dict(json.loads(json.dumps(chosen.to_dict()))) == chosen
    assert ChartSettings.from_dict({"axis": "hours", "smoothing": 2.0, "left": 7, "log_x": True, "new": 1}) == (
        ChartSettings(log_x=True)
    )


@pytest.mark.parametrize("width", [388, 500, 760, 1500])
def test_the_header_fits_whatever_the_width(make_panel: MakePanel, history: RunHistory, width: int) -> None:
    panel = make_panel(
        PlottedRun("one", history), PlottedRun("another run", history, "muted", False), size=(width, 480)
    )
    assert panel.loss is not None
    assert panel.width() == width
    controls = panel.loss.controls
    for button in (controls.axis, controls.smooth, controls.follow, controls.more):
        right = button.mapTo(panel.loss, QPoint(button.width(), 0)).x()
        assert right <= panel.loss.width() - 8
        assert button.width() >= button.sizeHint().width()


# -- what is worked out once, or not at all


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


# -- in words and by keys


def test_a_chart_says_what_it_shows(make_panel: MakePanel, history: RunHistory, run: Run, qtbot: QtBot) -> None:
    panel = make_panel(PlottedRun("one", history, steps=1000))
    said = large(panel).accessibleDescription
    loss, validation = history.series("loss").value[-1], history.validation.value[-1]
    qtbot.waitUntil(
        lambda: said().startswith(
            f"Train loss {loss:.2f}, validation {validation:.2f} at step 400 of 1,000; 40 points. Plus and minus zoom"
        )
    )
    lr = panel.small[0].chart
    qtbot.waitUntil(lambda: lr.accessibleDescription().startswith("Learning rate 0.000600 at step 400 of 1,000; 40"))
    run.steps(410, 430)
    history.update()
    panel.refresh()
    settle(panel)
    assert "at step 400" in said(), "a screen reader would not come to an end"
    qtbot.waitUntil(lambda: "at step 430 of 1,000; 43 points." in said())


def test_the_crosshair_goes_from_point_to_point_by_keys_and_is_described(
    make_panel: MakePanel, history: RunHistory, qtbot: QtBot
) -> None:
    panel = make_panel(PlottedRun("one", history, steps=1000))
    assert panel.loss is not None
    chart, control = large(panel), Qt.KeyboardModifier.ControlModifier
    chart.setFocus()
    qtbot.keyClick(chart, Qt.Key.Key_Right, control)
    assert chart.crosshair.place == 400
    qtbot.keyClick(chart, Qt.Key.Key_Left, control)
    assert chart.crosshair.place == 390
    assert panel.loss.values.isVisible()
    loss = history.series("loss").value[-2]
    assert chart.accessibleDescription().startswith("Step 390: Train, smoothed 3.")
    assert f"Train, as recorded {loss:.4f}, Validation, step 400 3.7" in chart.accessibleDescription()
    for _ in range(3):
        qtbot.keyClick(chart, Qt.Key.Key_Right, control)
    assert chart.crosshair.place == 400, "there is nothing beyond the newest point"
    qtbot.keyClick(chart, Qt.Key.Key_Escape)
    assert chart.crosshair.place is None
    assert chart.accessibleDescription().startswith("Train loss")
    assert not panel.loss.values.isVisible()


# -- load and memory


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


# -- overlays


def test_pinned_runs_are_drawn_dashed_and_can_be_compared(
    make_panel: MakePanel, history: RunHistory, tmp_path: Path, theme: Theme, qtbot: QtBot
) -> None:
    other = Run(tmp_path / "other")
    other.steps(10, 200, above=2.0)
    second = RunHistory(other.folder)
    second.update()
    panel = make_panel(
        PlottedRun("one", history, config={"optim": {"learning_rate": 6e-4, "betas": [0.9, 0.95]}}),
        PlottedRun("two", second, "warn", False, config={"optim": {"learning_rate": 1e-3, "betas": [0.9, 0.95]}}),
    )
    assert panel.loss is not None
    assert theme.colours.warn.lower() in colours_of(large(panel))
    choose(panel.loss.controls.menu, "Compare settings…")
    dialog = panel.findChild(CompareDialog)
    assert dialog is not None
    assert [dialog.table.item(0, column).text() for column in range(3)] == ["optim.learning_rate", "0.0006", "0.001"]
    assert dialog.table.rowCount() == 1
    dialog.accept()


def test_settings_are_compared_by_value_and_the_folder_is_none() -> None:
    first = {"run": {"folder": "/a", "seed": 1, "compile": "auto"}, "model": {"bias": True}, "only": 1}
    second = {"run": {"folder": "/b", "seed": 2, "compile": "auto"}, "model": {"bias": False}}
    rows = settings_diff([first, second])
    assert [(row.name, row.values) for row in rows] == [
        ("run.seed", ("1", "2")),
        ("model.bias", ("on", "off")),
        ("only", ("1", "–")),
    ]
    assert settings_diff([first, first]) == []


def test_the_published_losses_are_those_of_four_models() -> None:
    assert [row.loss for row in published_losses()] == [3.12, 2.84, 2.67, 2.54]


# -- saving


def read_table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_table_holds_every_point_in_full_precision(
    make_panel: MakePanel, history: RunHistory, tmp_path: Path, qtbot: QtBot
) -> None:
    panel = make_panel(PlottedRun("one, two", history))
    path = tmp_path / "kürven.csv"
    with qtbot.waitSignal(panel.saved):
        panel.save("csv", path)
    rows = read_table(path)
    series = history.series("loss")
    assert [float(row["loss"]) for row in rows] == series.value.tolist()
    assert {row["run"] for row in rows} == {"one, two"}
    assert [row["validation"] for row in rows if row["step"] == "200"] == [str(history.validation.value[1])]
    assert rows[0]["validation"] == ""
    assert list(rows[0]) == ["run", "step", "tokens", "seconds", "loss", "lr", "grad_norm", "validation"]


def test_an_evaluation_after_a_step_that_was_not_logged_has_its_own_row(
    run: Run, history: RunHistory, tmp_path: Path
) -> None:
    run.event("eval", 405, val_loss=3.9, tokens=500, seconds=1.0, best=False)
    history.update()
    write_csv([PlottedRun("one", history)], ["loss", "split"], tmp_path / "t.csv")
    last = read_table(tmp_path / "t.csv")[-1]
    assert (last["step"], last["loss"], last["validation"], last["forward_ms"]) == ("405", "", "3.9", "")


def test_pictures_and_drawings_can_be_opened(
    make_panel: MakePanel, history: RunHistory, tmp_path: Path, qtbot: QtBot
) -> None:
    panel = make_panel(PlottedRun("one", history))
    for kind in ("png", "svg"):
        with qtbot.waitSignal(panel.saved):
            panel.save(kind, tmp_path / f"charts.{kind}")
    assert QImage(str(tmp_path / "charts.png")).width() > 2 * panel.width()
    drawing = (tmp_path / "charts.svg").read_text(encoding="utf-8")
    assert QSvgRenderer(drawing.encode()).isValid()
    assert "<image" not in drawing, "lines are lines, not a picture of them"


@pytest.mark.parametrize("kind", ["png", "svg", "csv"])
def test_a_place_that_cannot_be_written_is_told(
    make_panel: MakePanel, history: RunHistory, tmp_path: Path, qtbot: QtBot, kind: str
) -> None:
    panel = make_panel(PlottedRun("one", history))
    (tmp_path / "taken").mkdir()
    with qtbot.waitSignal(panel.failed) as heard:
        panel.save(kind, tmp_path / "taken")
    assert "choose another place" in heard.args[0]
    assert list((tmp_path).glob(".taken*")) == []


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


# -- points and ticks


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


def test_a_value_that_is_not_finite_breaks_the_line_and_hangs_from_the_top(
    make_panel: MakePanel, run: Run, history: RunHistory
) -> None:
    run.event("step", 410, tokens=410_000, loss=None, nonfinite=["loss"], grad_norm=1.0, lr=1e-4, tokens_per_s=1.0,
              ms={"data": 1, "forward": 1, "backward": 1, "optimizer": 1}, memory=1)  # fmt: skip
    run.steps(420, 500)
    history.update()
    panel = make_panel(PlottedRun("one", history))
    assert "nonfinite" in {mark.kind for mark in large(panel).marks.marks}
    points = large(panel).lines[0].train.raw_points(0, 1000, 500, log_y=False)
    assert np.isnan(points.y).any()


@pytest.mark.parametrize(
    ("low", "high", "most", "log", "unit", "texts"),
    [
        (0, 12_000, 7, False, "whole", ["0", "2,000", "4,000", "6,000", "8,000", "10,000", "12,000"]),
        (0, 6.2e-4, 4, False, "", ["0", "0.0002", "0.0004", "0.0006"]),
        (0, 3, 6, True, "whole", ["1", "10", "100", "1,000"]),
        (math.log10(2.5), math.log10(11), 6, True, "", ["3", "5", "7", "10"]),
        (0, 8_000, 6, False, "time", ["0", "30 min", "1 h", "1 h 30 min", "2 h"]),
        (0, 2.3e9, 4, False, "bytes", ["0", "1.0 GB", "2.0 GB"]),
        (0, 2, 8, False, "whole", ["0", "1", "2"]),
        (3, 3, 8, False, "", []),
        (math.nan, 3, 8, False, "", []),
    ],
)
def test_ticks_are_round_and_read_well(
    low: float, high: float, most: int, log: bool, unit: str, texts: list[str]
) -> None:
    assert [tick.text for tick in ticks(low, high, most, log=log, unit=unit)] == texts


def test_the_columns_that_a_line_covers_hold_all_its_points() -> None:
    rng = np.random.default_rng(0)
    x, y = np.sort(rng.uniform(3, 90, 500)), rng.normal(0, 50, 500)
    left, smallest, largest = covered(x, y, 2.0, 0.3)
    column = np.searchsorted(left, x, side="right") - 1
    assert (smallest[column] <= y).all()
    assert (largest[column] >= y).all()
    assert np.diff(left) == pytest.approx(0.5)


# -- figures and small curves


def entry(folder: Path, **status: Any) -> RunEntry:
    state = RunState("running", {"step": 400, "steps": 1000, "loss": 3.62, **status}, {})
    return RunEntry(
        folder=folder, id="a", name="one", tags=(), pinned=False, state=state, steps=1000, created=BEGAN, problem=""
    )


def test_figures_say_where_the_run_stands_and_explain_themselves(qtbot: QtBot, run: Run, history: RunHistory) -> None:
    tiles = Tiles()
    qtbot.addWidget(tiles)
    tiles.resize(1000, 120)
    tiles.show()
    tiles.show_run(entry(run.folder, best_loss=3.79, best_step=400, seconds_left=1140), history)
    assert [tile.figure.text() for tile in tiles.tiles] == ["400 / 1,000", "3.62", "3.79", "61,400", "2.0 GB", "19 min"]
    assert tiles.use.name.text() == "Memory", "there is no MFU where the peak of the hardware is not known"
    assert all(tile.toolTip() and tile.accessibleName() for tile in tiles.tiles)
    assert tiles.bar.value() == 400
    assert tiles.note.text() == "400,000 tokens  ·  0.80 epochs  ·  best validation 3.790 at step 400"


def test_figures_that_are_not_there_yet_are_dashes(qtbot: QtBot, tmp_path: Path, run: Run) -> None:
    tiles = Tiles()
    qtbot.addWidget(tiles)
    tiles.show_run(entry(tmp_path, step=None, loss=None), RunHistory(tmp_path / "nowhere"))
    assert tiles.loss.figure.text() == tiles.left.figure.text() == NOTHING


def test_figures_are_measured_in_the_systems_font(qtbot: QtBot, qapp: QApplication) -> None:
    before = qapp.font()
    font = QFont(before)
    usual = Tile("Step")
    qtbot.addWidget(usual)
    usual.show_figure("400,000 / 400,000", "")
    width = usual.wanted_width("")
    font.setPixelSize(26)
    try:
        qapp.setFont(font)
        large = Tile("Step")
        qtbot.addWidget(large)
        large.show_figure("400,000 / 400,000", "")
        assert large.wanted_width("") > 1.5 * width
    finally:
        qapp.setFont(before)


def test_figures_fit_into_a_narrow_page(qtbot: QtBot, run: Run, history: RunHistory) -> None:
    tiles = Tiles()
    qtbot.addWidget(tiles)
    tiles.show_run(entry(run.folder, step=1_204_000, steps=12_000_000, seconds_left=100_000), history)
    tiles.resize(388, 140)
    tiles.show()
    QApplication.processEvents()
    assert tiles.width() == 388
    assert tiles.speed.y() > tiles.step.y(), "they stand in two rows"
    assert all(tile.geometry().right() < 388 for tile in tiles.tiles)


def test_figures_of_one_row_have_one_size_whatever_the_width(qtbot: QtBot, run: Run, history: RunHistory) -> None:
    tiles = Tiles()
    qtbot.addWidget(tiles)
    tiles.show_run(entry(run.folder, step=45, steps=200_000, seconds_left=36_120), history)
    tiles.resize(388, 140)
    tiles.show()
    for width in range(400, 1000, 12):
        tiles.resize(width, 140)
        QApplication.processEvents()
        for row in {tile.y() for tile in tiles.tiles}:
            beside = [tile for tile in tiles.tiles if tile.y() == row]
            assert len({tile.height() for tile in beside}) == 1, width
            assert len({tile.figure.fontInfo().pixelSize() for tile in beside}) == 1, width
        for tile in tiles.tiles:
            words = tile.figure.fontMetrics().horizontalAdvance(tile.figure.text())
            assert words <= tile.figure.contentsRect().width(), (width, tile.figure.text())


def test_a_small_curve_is_drawn_in_its_colour(qtbot: QtBot, theme: Theme) -> None:
    curve = Sparkline(theme)
    qtbot.addWidget(curve)
    curve.set_curve([11.0, math.nan, 5.0, 4.0, 3.9, 3.8], "good")
    curve.resize(curve.sizeHint())
    curve.show()
    image = curve.grab().toImage()
    reds = [image.pixelColor(x, y).red() for x in range(image.width()) for y in range(image.height())]
    assert min(reds) < 0x60
    curve.set_curve([3.0, 3.0], "good")
    curve.grab()
