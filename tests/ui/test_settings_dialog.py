"""The settings dialog in the real window: changes apply at once and are kept, bad values are refused."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QLabel, QLineEdit
from pytestqt.qtbot import QtBot

from gptdesk.folders import MODELS_SETTING, Folders
from gptdesk.store.setting_fields import Number, setting
from gptdesk.store.settings import SETTINGS, Settings
from gptdesk.ui.services.inference_messages import State
from gptdesk.ui.services.settings import SavedSettings
from gptdesk.ui.widgets.inputs.boxes import ListBox
from gptdesk.ui.widgets.inputs.check_box import CheckBox
from gptdesk.ui.widgets.inputs.folder_choice import FolderChoice
from gptdesk.ui.widgets.inputs.number_box import NumberBox
from gptdesk.ui.window.help.guide import GuideDialog, shortcuts_page
from gptdesk.ui.window.settings.dialog import SettingsDialog
from gptdesk.ui.window.settings.row import SettingRow
from tests.hub_server import Fault, Hub

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


def choose_models_folder(dialog: SettingsDialog, monkeypatch: pytest.MonkeyPatch, folder: Path) -> SettingRow:
    row = dialog.rows[MODELS_SETTING]
    assert isinstance(row.control, FolderChoice)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder))
    row.control.choose.click()
    return row


def test_another_models_folder_lists_the_models_of_the_former_one_and_takes_new_ones(
    dialog: SettingsDialog,
    opened: Opened,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    tiny_model_folder: Path,
) -> None:
    services, old = opened.services, opened.services.folders.models
    shutil.copytree(tiny_model_folder, old / "first")
    row = choose_models_folder(dialog, monkeypatch, tmp_path / "elsewhere")
    qtbot.waitUntil(lambda: services.settings.value.models_folder == str(tmp_path / "elsewhere"))
    assert row.control.isEnabled()
    services.models.import_model(tiny_model_folder, name="second")
    names = lambda: {entry.name: entry.kind for entry in services.models.entries}  # noqa: E731
    qtbot.waitUntil(lambda: names().get("second") == "installed")
    assert names()["first"] == "linked"
    assert (tmp_path / "elsewhere" / "second" / "config.json").is_file()
    assert any(
        label.text().replace("\u200b", "") == str(tmp_path / "elsewhere") for label in dialog.findChildren(QLabel)
    )
    services.settings.update(model="first")
    qtbot.waitUntil(lambda: opened.state is State.READY and services.inference.info.model == "first")  # type: ignore[union-attr]
    services.settings.flush()
    assert Folders.of_this_user().models == tmp_path / "elsewhere"
    row.control.reset.click()  # type: ignore[attr-defined]
    qtbot.waitUntil(lambda: services.settings.value.models_folder == "")
    qtbot.waitUntil(lambda: names().get("first") == "installed" and names().get("second") == "linked")


def test_a_folder_that_cannot_hold_models_is_refused_beside_the_button(
    dialog: SettingsDialog, opened: Opened, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").touch()
    row = choose_models_folder(dialog, monkeypatch, tmp_path / "photos")
    qtbot.waitUntil(lambda: "holds other files than models (a.png)" in row.problem.accessibleName())
    assert row.control.isEnabled()
    assert opened.services.settings.value.models_folder == ""
    assert opened.services.models.folders == opened.services.folders


def test_a_models_folder_that_is_gone_is_named(tmp_path: Path, qtbot: QtBot) -> None:
    service = SavedSettings(tmp_path / "settings.json")
    service.update(models_folder="/no disk/models")
    row = SettingRow(service, SETTINGS[MODELS_SETTING])
    qtbot.addWidget(row)
    assert row.problem.accessibleName().startswith("The folder /no disk/models is not there; connect its disk")


def test_the_number_of_downloads_reaches_those_that_wait(
    dialog: SettingsDialog, opened: Opened, qtbot: QtBot, hub: Hub, tiny_model_folder: Path
) -> None:
    hub.always = Fault(bytes_per_s=1e6)
    hub.add("someone/other", tiny_model_folder)
    downloads, box = opened.services.models.downloads, dialog.rows["simultaneous_downloads"].control
    assert isinstance(box, NumberBox)
    box.setValue(1)
    downloads.add("someone/tiny")
    downloads.add("someone/other")
    states = lambda: [status.state for status in downloads.statuses]  # noqa: E731
    qtbot.waitUntil(lambda: states() == ["downloading", "queued"])
    box.setValue(2)
    qtbot.waitUntil(lambda: states() == ["downloading", "downloading"])


def test_a_setting_that_is_added_to_the_table_has_a_row_that_changes_it(tmp_path: Path, qtbot: QtBot) -> None:
    @dataclass(frozen=True, kw_only=True)
    class More(Settings):
        wobble: int = setting(
            3, title="Wobble", help="How much it wobbles.", page="Motion", control=Number(lowest=1, highest=9)
        )

    from gptdesk.store.setting_fields import settings_of

    service = SavedSettings(tmp_path / "settings.json", kind=More)
    row = SettingRow(service, settings_of(More)["wobble"])
    qtbot.addWidget(row)
    assert isinstance(row.control, NumberBox)
    row.control.setValue(7)
    service.flush()
    again = SavedSettings(tmp_path / "settings.json", kind=More)
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
