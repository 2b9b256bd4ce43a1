"""Commands of the Train page: charts, side panel and what the Playground follows, in the palette, menus and buttons."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from gptdesk.folders import Folders
from gptdesk.ui.train.charts.commands import PLACES, metric_id
from gptdesk.ui.train.charts.settings import SMALL_CHARTS
from gptdesk.ui.train.command_table import TABS

from ..conftest import Opened
from .test_page import ended as ended  # a fixture
from .test_page import listed as listed  # a fixture


@pytest.fixture
def shown(listed: tuple[Opened, Any, list[Path]], qtbot: QtBot) -> tuple[Opened, Any]:
    """A window whose charts show a run that has ended."""
    opened, train, _ = listed
    qtbot.waitUntil(lambda: bool(train.dashboard.charts.runs and train.dashboard.charts.loss))
    return opened, train


def test_a_switch_of_the_charts_is_the_same_in_palette_button_and_menu(shown: tuple[Opened, Any]) -> None:
    opened, train = shown
    commands, charts = opened.window.commands, train.dashboard.charts
    opened.window.show_page("play")
    assert commands.run("charts.log_y")
    assert opened.window.current_page == "train"
    assert charts.settings.log_y
    assert charts.loss.controls.log_y.isChecked()
    assert commands.action("charts.log_y") in charts.loss.controls.menu.actions()
    charts.loss.controls.log_y.click()
    assert not charts.settings.log_y
    assert not commands.action("charts.log_y").isChecked()
    assert not opened.services.settings.value.charts["log_y"]


def test_every_metric_can_be_chosen_for_each_small_chart(shown: tuple[Opened, Any]) -> None:
    opened, train = shown
    for place, card in zip(PLACES, train.dashboard.charts.small, strict=True):
        assert [action.objectName() for action in card.title.menu().actions()] == [
            metric_id(place, key) for key in SMALL_CHARTS
        ]
    opened.window.commands.run(metric_id("right", SMALL_CHARTS[-1]))
    assert train.dashboard.charts.small[1].chart.quantity.key == SMALL_CHARTS[-1]
    assert opened.window.commands.action(metric_id("right", SMALL_CHARTS[-1])).isChecked()


def test_settings_are_compared_only_beside_a_pinned_run(shown: tuple[Opened, Any], qtbot: QtBot) -> None:
    opened, train = shown
    commands = opened.window.commands
    assert "Pin another run" in (commands.reason("charts.compare") or "")
    other = next(run for run in train.runs.shown if run != train.current)
    opened.services.run_monitor.change(
        lambda: opened.services.runs.set_pinned(opened.services.run_monitor.entry(other).id, True)
    )
    qtbot.waitUntil(lambda: len(train.dashboard.charts.runs) == 2)
    assert commands.reason("charts.compare") is None


def test_tabs_of_the_panel_are_commands(shown: tuple[Opened, Any]) -> None:
    opened, train = shown
    for tab in TABS:
        assert opened.window.commands.run(f"panel.{tab}")
        assert [name for name, button in train.panel.tabs.items() if button.isChecked()] == [tab]
        train.panel.tabs[tab].click()
        assert train.panel.tabs[tab].isChecked(), "a tab that is clicked again stays"


def test_commands_on_a_run_say_why_they_are_not_possible(
    open_window: Callable[..., Opened], ended: Callable[[str], Path], folders: Folders, qtbot: QtBot
) -> None:
    opened = open_window()
    commands = opened.window.commands
    of_charts = ("charts.fit", "charts.log_x", metric_id("left", SMALL_CHARTS[0]))
    ids = (*of_charts, "run.follow", "run.open", "run.chat", "panel.console")
    for id in ids:
        assert commands.reason(id) == "Choose a run on the Train page first."
    ended("alone")
    opened.window.show_page("train")
    train = opened.window.train
    qtbot.waitUntil(lambda: bool(train.dashboard.charts.runs))
    assert commands.reason("charts.fit") is None
    assert commands.reason("run.report") == "The run has not crashed."
    assert "has no checkpoint yet" in (commands.reason("run.open") or "")
    assert "has no checkpoint yet" in train.panel.samples.open.toolTip()
