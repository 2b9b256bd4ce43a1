"""The third step: mistakes are told early, launchers checked, settings copied as text."""

from pathlib import Path

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from gptdesk.ui.train.new_run.sheet import NewRunSheet
from gptdesk.ui.train.new_run.stepper import WRONG
from trainer.config.schema import build_config
from trainer.config.values import read_toml

from .sheets import choose, choose_preset, set_number, settle


def test_what_cannot_work_is_said_at_its_field_and_the_message_leads_there(
    sheet: NewRunSheet, prepared: Path, qtbot: QtBot
) -> None:
    choose(sheet, prepared, qtbot)
    choose_preset(sheet, "smoke")
    settle(sheet, qtbot)
    assert sheet.start.isEnabled()
    sheet.settings.form.reveal("data.micro_batch_size")
    set_number(sheet, "data.micro_batch_size", "7")
    settle(sheet, qtbot)
    row = sheet.settings.form.rows["data.batch_size"]
    assert not row.problem, "a preset's value gives way"
    assert sheet.draft.get("data.batch_size") == 7
    assert "Batch size: 7 instead of 8 (it must be a multiple of" in sheet.settings.fitted.text()
    set_number(sheet, "data.batch_size", "9")
    settle(sheet, qtbot)
    assert row.problem == "Batch size (9) must be a multiple of micro-batch size (7)."
    assert sheet.stepper.buttons[2].state == WRONG
    assert not sheet.start.isEnabled()
    assert sheet.view.message.text() == row.problem
    sheet.view.message.click()
    assert sheet.focusWidget() is row.control.focus
    set_number(sheet, "data.micro_batch_size", "9")
    settle(sheet, qtbot)
    assert not row.problem
    assert sheet.start.isEnabled()


def test_a_number_that_cannot_be_is_said_at_its_field_and_starts_nothing(
    sheet: NewRunSheet, prepared: Path, qtbot: QtBot
) -> None:
    choose(sheet, prepared, qtbot)
    choose_preset(sheet, "smoke")
    settle(sheet, qtbot)
    row = sheet.settings.form.rows["schedule.steps"]
    set_number(sheet, "schedule.steps", "0")
    assert row.problem_label.text() == "0 cannot be used: at least 1. The value is 60 again."
    assert row.problem_label.isVisible()
    assert not sheet.starter.starting
    set_number(sheet, "schedule.steps", "40")
    assert row.problem_label.isHidden()


def test_the_reason_is_there_in_full_and_the_field_is_marked(sheet: NewRunSheet, prepared: Path, qtbot: QtBot) -> None:
    choose(sheet, prepared, qtbot)
    choose_preset(sheet, "smoke")
    set_number(sheet, "model.n_positions", "99999")
    set_number(sheet, "data.context_length", "99999")
    settle(sheet, qtbot)
    message = sheet.view.message
    row = sheet.settings.form.rows["data.context_length"]
    assert row.control.focus.property("invalid") == "true"
    assert " GB " in row.problem
    assert "GiB" not in row.problem
    assert "choose a shorter context length" in message.text()
    sheet.resize(sheet.minimumSize())
    room = QRect(0, 0, message.width() - 16, 10_000)
    wrap = int(Qt.TextFlag.TextWordWrap)
    needed = message.fontMetrics().boundingRect(room, wrap, message.text())
    assert needed.height() <= message.height()
    assert message.toolTip().startswith("<qt>")


def test_command_line_and_toml_on_the_clipboard_make_the_same_settings(
    sheet: NewRunSheet, prepared: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    choose(sheet, prepared, qtbot)
    set_number(sheet, "schedule.steps", "321")
    sheet.summary.copy_toml.click()
    (tmp_path / "copied.toml").write_text(QGuiApplication.clipboard().text(), encoding="utf-8")
    assert build_config(read_toml(tmp_path / "copied.toml")) == build_config(sheet.draft.values())
    sheet.summary.copy_command.click()
    command = QGuiApplication.clipboard().text()
    assert "--schedule.steps=321" in command
    assert "-m trainer train" in command
    assert sheet.summary.copied.text() == "Command copied"


def test_launchers_are_checked_before_they_are_used(sheet: NewRunSheet, prepared: Path, qtbot: QtBot) -> None:
    choose(sheet, prepared, qtbot)
    choose_preset(sheet, "smoke")
    card = sheet.settings.launcher
    card.box.setCurrentIndex(1)
    card.box.activated.emit(1)
    card.processes.setValue(3)
    settle(sheet, qtbot)
    assert sheet.draft.get("data.batch_size") == 6, "a preset's value gives way"
    set_number(sheet, "data.batch_size", "10")
    settle(sheet, qtbot)
    assert "10" in sheet.settings.form.rows["data.batch_size"].problem  # not a multiple of 3
    card.box.setCurrentIndex(2)
    card.box.activated.emit(2)
    settle(sheet, qtbot)
    assert not sheet.start.isEnabled()
    card.template.setText("ssh host 'cd x && {command}'")
    settle(sheet, qtbot)
    assert sheet.start.isEnabled()
    sheet.summary.copy_command.click()
    assert QGuiApplication.clipboard().text().startswith("ssh host 'cd x && ")
