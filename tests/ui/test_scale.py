"""Sliders and boxes say the same number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gptdesk.inference.sampling.fields import Slider
from gptdesk.inference.sampling.settings import LIMITS, SETTINGS
from gptdesk.ui.decoding.rows import slider_spec
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.inputs.scale import STEPS
from gptdesk.ui.widgets.inputs.slider_row import SliderRow, SliderSpec

SLIDERS = [slider_spec(s, s.control) for s in SETTINGS.values() if isinstance(s.control, Slider)]
SPECS = pytest.mark.parametrize("spec", SLIDERS, ids=lambda spec: spec.name)
BY_NAME = {spec.name: spec for spec in SLIDERS}


@SPECS
@given(position=st.integers(0, STEPS))
def test_every_position_is_a_value_that_leads_back_to_it(spec: SliderSpec, position: int) -> None:
    value = spec.scale.value(position)
    limit = LIMITS[spec.name]
    assert limit.lowest <= value <= limit.highest
    if spec.name != "top_k":  # whole numbers: several positions mean the same
        assert abs(spec.scale.position(value) - position) <= 1
    assert spec.scale.value(spec.scale.position(value)) == pytest.approx(value, rel=0.01, abs=0.01)


@SPECS
def test_positions_follow_the_order_of_freedom(spec: SliderSpec) -> None:
    values = [spec.scale.value(position) for position in range(0, STEPS + 1, 10)]
    if spec.name == "top_k":
        assert values[-1] == 0  # off lets everything through, more than the largest number does
        values = values[:-1]
    assert values == sorted(values)


@pytest.mark.parametrize("name", BY_NAME)
def test_off_is_a_word_that_can_be_typed(name: str, theme: Theme, qtbot: QtBot) -> None:
    row = SliderRow(BY_NAME[name])
    qtbot.addWidget(row)
    row.set_value(0.5 if row.spec.highest <= 1 else 2)
    row.box.selectAll()
    QTest.keyClicks(row.box, row.spec.off_text)
    QTest.keyClick(row.box, Qt.Key.Key_Return)
    assert row.value == row.spec.off
    assert row.box.text() == row.spec.off_text
    assert row.slider.value() in (0, STEPS)


def test_the_slider_moves_the_box_and_the_box_moves_the_slider(theme: Theme, qtbot: QtBot) -> None:
    row = SliderRow(BY_NAME["temperature"])
    qtbot.addWidget(row)
    row.set_value(1.0)
    assert row.slider.value() == STEPS // 2
    with qtbot.waitSignal(row.changed):
        QTest.keyClick(row.slider, Qt.Key.Key_Right)
    assert row.value > 1.0
    with qtbot.waitSignal(row.changed):
        row.box.setValue(5.0)
    assert row.slider.value() == STEPS


def test_a_value_beyond_the_slider_is_kept_in_the_box(theme: Theme, qtbot: QtBot) -> None:
    row = SliderRow(BY_NAME["top_k"])
    qtbot.addWidget(row)
    row.set_value(20_000)
    assert row.value == 20_000
    assert row.slider.value() == STEPS - 1


def test_a_click_on_the_line_moves_the_handle_there(theme: Theme, qtbot: QtBot) -> None:
    row = SliderRow(BY_NAME["top_p"])
    qtbot.addWidget(row)
    row.resize(280, 60)
    row.show()
    row.set_value(1.0)
    QTest.mouseClick(row.slider, Qt.MouseButton.LeftButton, pos=row.slider.rect().center())
    assert row.value == pytest.approx(0.5, abs=0.02)
