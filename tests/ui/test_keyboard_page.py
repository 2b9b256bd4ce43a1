"""The page of shortcuts in the settings dialog: search, another key, conflicts, reset."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gptdesk.ui.window.settings.dialog import SettingsDialog
from gptdesk.ui.window.settings.keyboard_page import KeyboardPage

from .conftest import Opened

CONTROL = Qt.KeyboardModifier.ControlModifier
NONE = Qt.KeyboardModifier.NoModifier


@pytest.fixture
def page(opened: Opened, qtbot: QtBot) -> KeyboardPage:
    opened.window.commands.run("help.shortcuts")
    (dialog,) = opened.window.findChildren(SettingsDialog)
    return dialog.keyboard


def press(page: KeyboardPage, id: str, key: Qt.Key, modifiers: Qt.KeyboardModifier = CONTROL) -> None:
    page.choose(id)
    QTest.keyClick(page.key, key, modifiers)


def listed(page: KeyboardPage) -> list[str]:
    items = [page.table.item(row, 0) for row in range(page.table.rowCount())]
    return [item.text() for item in items if item is not None]


def test_all_commands_are_listed_and_found_by_name_and_by_key(page: KeyboardPage, opened: Opened) -> None:
    everything = [command for command in opened.window.commands if command.fill is None]
    assert len(listed(page)) == len(everything)
    page.search.setText("larger")
    assert listed(page)[0] == "Text size: Larger"
    page.search.setText("ctrl+shift+o")
    assert listed(page)[0] == "Open text file"


def test_another_key_works_at_once_and_after_a_restart_and_the_old_one_does_not(
    page: KeyboardPage, opened: Opened, open_window: Callable[..., Opened], qtbot: QtBot
) -> None:
    press(page, "page.models", Qt.Key.Key_J)
    page.window().close()
    for _ in range(2):
        window = opened.window
        window.show_page("play")
        editor = window.playground.editor
        window.activateWindow()
        editor.setFocus()
        qtbot.waitUntil(editor.hasFocus)
        QTest.keyClick(editor, Qt.Key.Key_3, CONTROL)
        assert window.current_page == "play"
        QTest.keyClick(editor, Qt.Key.Key_J, CONTROL)
        assert window.current_page == "models"
        assert "Ctrl+J" in next(b.toolTip() for b in window.rail._buttons.values() if b.text() == "Models")
        window.show_page("play")
        opened.close()
        opened = open_window()


def test_a_conflict_is_named_and_the_person_decides(page: KeyboardPage, opened: Opened) -> None:
    commands = opened.window.commands
    press(page, "page.models", Qt.Key.Key_K)
    assert "Ctrl+K is the key of “Command palette”" in page.problem.accessibleName()
    assert commands.keys("page.models") == ("Ctrl+3",)
    page.take.click()
    assert commands.keys("page.models") == ("Ctrl+K",)
    assert commands.keys("palette.open") == ("Ctrl+Shift+P",)
    page.choose("palette.open")
    page.reset.click()
    assert commands.keys("palette.open") == ("Ctrl+K", "Ctrl+Shift+P")
    assert commands.keys("page.models") == ()


@pytest.mark.parametrize(("key", "modifiers"), [(Qt.Key.Key_A, NONE), (Qt.Key.Key_C, CONTROL), (Qt.Key.Key_Up, NONE)])
def test_keys_of_text_fields_are_refused(
    page: KeyboardPage, opened: Opened, key: Qt.Key, modifiers: Qt.KeyboardModifier
) -> None:
    press(page, "page.models", key, modifiers)
    assert page.problem.accessibleName().endswith(".")
    assert opened.window.commands.keys("page.models") == ("Ctrl+3",)


def test_keys_are_removed_and_reset_one_and_all(page: KeyboardPage, opened: Opened) -> None:
    commands = opened.window.commands
    page.choose("page.models")
    page.clear.click()
    assert commands.keys("page.models") == ()
    assert dict(opened.services.settings.value.shortcuts) == {"page.models": ()}
    page.reset.click()
    assert commands.keys("page.models") == ("Ctrl+3",)
    press(page, "page.models", Qt.Key.Key_J)
    press(page, "page.train", Qt.Key.Key_L)
    page.reset_all.click()
    assert commands.keys("page.train") == ("Ctrl+5",)
    assert dict(opened.services.settings.value.shortcuts) == {}
