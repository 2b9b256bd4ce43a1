"""The settings dialog in the real window: changes apply at once and are kept, bad values are refused."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QLineEdit
from pytestqt.qtbot import QtBot

from gptdesk.store.setting_fields import Number, setting
from gptdesk.store.settings import SETTINGS, Settings
from gptdesk.ui.services.settings import SettingsService
from gptdesk.ui.widgets.inputs.boxes import ListBox
from gptdesk.ui.widgets.inputs.check_box import CheckBox
from gptdesk.ui.widgets.inputs.number_box import NumberBox
from gptdesk.ui.window.help.guide import GuideDialog, shortcuts_page
from gptdesk.ui.window.settings.dialog import SettingsDialog
from gptdesk.ui.window.settings.row import SettingRow

from .conftest import Opened
from .test_window import nameless

CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def dialog(opened: Opened, qtbot: QtBot) -> SettingsDialog:
    """Opened with its key."""
    QTest.keyClick(opened.window.playground.editor, Qt.Key.Key_Comma, CONTROL)
    (dialog,) = opened.window.findChildren(SettingsDialog)
    return dialog


def test_every_setting_has_a_row_with_its_help_and_every_control_a_name(dialog: SettingsDialog) -> None:
    assert list(dialog.rows) == list(SETTINGS)
    for key, row in dialog.rows.items():
        assert row.help.text() == SETTINGS[key].help
    assert [dialog.pages.item(row).text() for row in range(dialog.pages.count())][-2:] == ["Folders", "Keyboard"]
    assert nameless(dialog) == []


def test_changes_apply_at_once_and_after_a_restart(
    dialog: SettingsDialog, opened: Opened, open_window: Callable[..., Opened]
) -> None:
    theme, size, face, told = (
        dialog.rows[key].control for key in ("theme", "text_size", "reading_face", "desktop_notifications")
    )
    assert isinstance(theme, ListBox)
    assert isinstance(size, NumberBox)
    assert isinstance(face, ListBox)
    assert isinstance(told, CheckBox)
    theme.activated.emit(theme.findText("Dark"))
    size.setValue(26)
    face.activated.emit(face.findText("Inter (sans serif)"))
    told.click()
    value, editor = opened.services.settings.value, opened.window.playground.editor
    assert (value.theme, value.text_size, value.reading_face) == ("dark", 26, "sans")
    assert value.desktop_notifications is False
    assert opened.services.theme.dark
    assert editor.text_size == 26
    assert editor.font().families()[0] == "Inter"
    dialog.close()
    opened.close()
    again = open_window()
    assert again.services.settings.value.theme == "dark"
    assert again.window.playground.editor.font().families()[0] == "Inter"
    again.services.settings.update(reading_face="serif")


def test_a_value_that_cannot_be_used_is_refused_with_one_sentence_and_the_next_one_taken(
    dialog: SettingsDialog, opened: Opened
) -> None:
    row = dialog.rows["endpoint"]
    line = row.control
    assert isinstance(line, QLineEdit)
    line.setText("mirror")
    line.editingFinished.emit()
    assert "no web address" in row.problem.text()
    assert row.problem.isVisibleTo(row)
    assert opened.services.settings.value.endpoint == ""
    line.setText("https://mirror.example/")
    line.editingFinished.emit()
    assert opened.services.settings.value.endpoint == "https://mirror.example"
    assert row.problem.isHidden()
    opened.services.settings.update(endpoint="")


def test_a_number_beyond_its_limits_is_refused(dialog: SettingsDialog, opened: Opened) -> None:
    row = dialog.rows["text_size"]
    box = row.control
    assert isinstance(box, NumberBox)
    box.lineEdit().setText("900")
    QTest.keyClick(box, Qt.Key.Key_Return)
    assert "at most 40" in row.problem.text()
    assert opened.services.settings.value.text_size == 18


def test_what_is_changed_elsewhere_is_shown(dialog: SettingsDialog, opened: Opened) -> None:
    opened.services.settings.update(theme="dark", threads=3)
    theme, threads = dialog.rows["theme"].control, dialog.rows["threads"].control
    assert isinstance(theme, ListBox)
    assert isinstance(threads, NumberBox)
    assert theme.currentText() == "Dark"
    assert threads.value() == 3


def test_devices_that_this_computer_lacks_say_so_and_cannot_be_chosen(dialog: SettingsDialog, opened: Opened) -> None:
    device = dialog.rows["device"].control
    assert isinstance(device, ListBox)
    missing = opened.services.inference.missing_devices
    assert missing
    for name, why in missing.items():
        row = list(SETTINGS["device"].control.titles).index(name)  # type: ignore[union-attr]
        assert why in device.itemText(row)
        assert not device.model().flags(device.model().index(row, 0)) & Qt.ItemFlag.ItemIsEnabled


def test_folders_are_shown_and_opened(dialog: SettingsDialog, opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: found.append(QUrl(url).toLocalFile()) or True)
    button = next(b for b in dialog.findChildren(type(dialog.keyboard.reset)) if b.accessibleName().endswith("Models"))
    button.click()
    assert found == [str(opened.services.folders.models)]
    assert Path(found[0]).is_dir()
    texts = [label.text().replace("\u200b", "") for label in dialog.findChildren(QLabel)]
    assert str(opened.services.folders.logs) in texts


def test_the_number_of_downloads_reaches_the_library(dialog: SettingsDialog, opened: Opened, qtbot: QtBot) -> None:
    opened.services.settings.update(simultaneous_downloads=5)
    manager = lambda: opened.services.models._downloads  # noqa: E731
    qtbot.waitUntil(lambda: manager() is not None and manager().limit == 5)


def test_a_setting_that_is_added_to_the_table_has_a_row_that_changes_it(tmp_path: Path, qtbot: QtBot) -> None:
    @dataclass(frozen=True, kw_only=True)
    class More(Settings):
        wobble: int = setting(
            3, title="Wobble", help="How much it wobbles.", page="Motion", control=Number(lowest=1, highest=9)
        )

    from gptdesk.store.setting_fields import settings_of

    service = SettingsService(tmp_path / "settings.json", kind=More)
    row = SettingRow(service, settings_of(More)["wobble"])
    qtbot.addWidget(row)
    assert isinstance(row.control, NumberBox)
    row.control.setValue(7)
    service.flush()
    again = SettingsService(tmp_path / "settings.json", kind=More)
    assert getattr(again.value, "wobble") == 7  # noqa: B009
    assert again.problems == []


def test_the_guide_and_the_shortcuts_are_in_the_menu(opened: Opened, qtbot: QtBot) -> None:
    commands = opened.window.commands
    commands.run("help.guide")
    (guide,) = opened.window.findChildren(GuideDialog)
    assert "Playground" in guide.text.toPlainText()
    guide.close()
    page = shortcuts_page(commands)
    assert "| Command palette | Everywhere | Ctrl+K, Ctrl+Shift+P |" in page
    commands.run("help.shortcuts")
    (dialog,) = opened.window.findChildren(SettingsDialog)
    assert dialog.pages.currentItem().text() == "Keyboard"
    dialog.close()
