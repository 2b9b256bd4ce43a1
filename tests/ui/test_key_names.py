"""The key that generates has one name on the screen, and both of its keys work."""

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QStyleOptionMenuItem

from gptdesk.ui.key_names import key_name, parse_key
from gptdesk.ui.widgets.popup import Menu
from gptdesk.ui.window.commands.shortcuts import shown
from gptdesk.ui.window.help.guide import shortcuts_page
from gptdesk.ui.window.help.welcome import Welcome

from .conftest import Opened


def text_in_menu(action: QAction) -> str:
    """What Qt writes of an action in a menu: its text, a tab, its key."""
    menu, option = Menu(), QStyleOptionMenuItem()
    menu.addAction(action)
    menu.initStyleOption(option, action)
    menu.deleteLater()
    return option.text


def test_the_key_that_generates_is_written_alike_everywhere(opened: Opened) -> None:
    window = opened.window
    action = window.commands.action("text.generate")
    welcome = Welcome(opened.services.theme, opened.services.settings, window.commands, window)
    assert text_in_menu(action).endswith("\tCtrl+Enter")
    assert shown(window.commands.keys("text.generate")) == ["Ctrl+Enter"]
    assert window.playground.bar.generate.shortcut_text == "Ctrl+Enter"
    assert "Ctrl+Enter" in window.playground.empty.how.text()
    assert any("Ctrl+Enter" in text for text in welcome.shown_texts)
    assert "Ctrl+Return" not in shortcuts_page(window.commands)
    welcome.deleteLater()


def test_the_welcome_names_the_key_that_a_person_has_chosen(opened: Opened) -> None:
    window = opened.window
    welcome = Welcome(opened.services.theme, opened.services.settings, window.commands, window)
    window.commands.bind("text.generate", ("Ctrl+G",))
    assert any("press Ctrl+G." in text for text in welcome.shown_texts)
    welcome.deleteLater()


def test_both_enter_keys_are_keys_of_the_command(opened: Opened) -> None:
    keys = {key.toString() for key in opened.window.commands.action("text.generate").shortcuts()}
    assert keys == {"Ctrl+Return", "Ctrl+Enter"}
    assert key_name("Shift+Return") == key_name(parse_key("Shift+Enter")) == "Shift+Enter"
