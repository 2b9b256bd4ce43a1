"""The sheet as a whole: start, time, name, layout, and its end."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from gptdesk.folders import Folders
from gptdesk.training.estimate import DryRun
from gptdesk.training.index import RunIndex
from gptdesk.ui.services.services import Services
from gptdesk.ui.train.new_run.sheet import NewRunSheet

from .sheets import LONG, choose, choose_preset, set_number, settle


def test_a_run_that_cannot_be_started_says_why_and_nothing_is_lost(
    sheet: NewRunSheet, prepared: Path, folders: Folders, qtbot: QtBot
) -> None:
    choose(sheet, prepared, qtbot)
    choose_preset(sheet, "smoke")
    settle(sheet, qtbot)
    folders.runs.parent.mkdir(parents=True, exist_ok=True)
    folders.runs.write_text("a file in its place")
    sheet.start.click()
    qtbot.waitUntil(lambda: "cannot be made" in sheet.view.message.text(), timeout=LONG)
    assert sheet.isVisible()
    assert sheet.start.isEnabled()


def test_the_time_is_measured_and_another_setting_ends_that(sheet: NewRunSheet, prepared: Path, qtbot: QtBot) -> None:
    choose(sheet, prepared, qtbot)
    choose_preset(sheet, "smoke")
    settle(sheet, qtbot)
    sheet.summary.measure.click()
    assert sheet.summary.measuring
    set_number(sheet, "schedule.steps", "50")
    assert not sheet.summary.measuring
    settle(sheet, qtbot)
    sheet.summary.measure.click()
    sheet.summary.measure.click()
    assert not sheet.summary.measuring
    sheet.summary.measure.click()
    qtbot.waitUntil(lambda: sheet.summary.values["time"].text().startswith("about"), timeout=LONG)
    assert sheet.summary.values["device"].text() == "CPU, float32"


def test_the_name_is_made_up_until_the_person_gives_one(
    sheet: NewRunSheet, prepared: Path, folders: Folders, qtbot: QtBot
) -> None:
    choose(sheet, prepared, qtbot)
    assert sheet.summary.name.placeholderText() == "dragons-story-10m"
    QTest.keyClicks(sheet.summary.name, "Smaug")
    assert sheet.draft.run_name == "Smaug"


def test_a_window_that_closes_takes_its_sheet_and_threads_along(
    services: Services, folders: Folders, qtbot: QtBot
) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(900, 600)
    window.show()
    sheet = NewRunSheet(services, RunIndex(folders.data / "runs.json", folders.runs), window)
    sheet.open()
    assert sheet.width() <= 900
    with qtbot.waitSignal(sheet.destroyed, timeout=LONG):
        window.close()


@pytest.mark.parametrize(("width", "points"), [(640, 0), (820, 0), (1160, 0), (1160, 16)])
def test_no_part_of_the_sheet_is_cut_off(
    open_sheet: Callable[[], NewRunSheet], qapp: QApplication, qtbot: QtBot, width: int, points: int
) -> None:
    before = qapp.font()
    try:
        if points:
            font = QFont(before)
            font.setPointSize(points)
            qapp.setFont(font)
        sheet = open_sheet()
        sheet.resize(width, 720)
        settle(sheet, qtbot)
        page = sheet.view.area.widget()
        qtbot.waitUntil(lambda: page.width() <= sheet.view.area.viewport().width(), timeout=LONG)
        sheet.summary.show_time(DryRun(seconds=42_360, device="cpu", precision="float32", compiled=False, memory=1,
                                       memory_available=0, disk_free=0))  # fmt: skip
        assert sheet.summary.values["time"].text() == "about 11 h 46 min"
        value = sheet.summary.values["time"]
        qtbot.waitUntil(lambda: value.heightForWidth(value.width()) <= value.height(), timeout=LONG)
    finally:
        qapp.setFont(before)


def test_everything_on_the_sheet_has_a_name_for_screen_readers(sheet: NewRunSheet, qtbot: QtBot) -> None:
    from PySide6.QtWidgets import QAbstractButton, QComboBox, QLineEdit, QSlider

    settle(sheet, qtbot)
    for kind in (QAbstractButton, QComboBox, QLineEdit, QSlider):
        for widget in sheet.findChildren(kind):
            text = widget.text() if isinstance(widget, QAbstractButton) else ""
            inside = widget.objectName().startswith("qt_") or widget.focusPolicy() == Qt.FocusPolicy.NoFocus
            assert inside or widget.accessibleName() or text, widget
