"""The controls above the charts: every choice is told, kept, and has room."""

import json
import math

import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from gptdesk.training.history.history import RunHistory
from gptdesk.ui.train.charts.settings import ChartSettings, PlottedRun

from .conftest import MakePanel, choose, large, settle


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
