"""Zooming, panning and reading values by pointer and keyboard; what a screen reader is told."""

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gptdesk.training.history.history import RunHistory
from gptdesk.ui.train.charts.chart.chart import Chart
from gptdesk.ui.train.charts.settings import ChartSettings, PlottedRun

from .conftest import MakePanel, Run, large, settle


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
