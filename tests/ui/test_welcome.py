"""The cards of the first start: they say what the program can do, take no focus, and are shown once."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot

from gptdesk.ui.window.help.welcome import CARDS, Welcome

from .conftest import Opened


@pytest.fixture
def welcome(opened: Opened) -> Welcome:
    made = Welcome(opened.services.theme, opened.services.settings, opened.window.commands, opened.window)
    made.open()
    return made


def test_the_welcome_takes_no_focus_and_the_first_key_in_the_text_closes_it(opened: Opened, welcome: Welcome) -> None:
    editor = opened.window.playground.editor
    assert welcome.isVisible()
    assert opened.window.focusWidget() is editor
    QTest.keyClicks(editor, "O")
    assert welcome.isHidden()
    assert editor.shown == "O"


def test_the_welcome_is_remembered_as_seen(opened: Opened, welcome: Welcome) -> None:
    assert opened.services.settings.value.welcome_seen


def test_each_card_leads_to_its_page(opened: Opened, welcome: Welcome) -> None:
    for button, (*_, command) in zip(welcome.buttons, CARDS, strict=True):
        welcome.open()
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        assert welcome.isHidden()
        assert opened.services.settings.value.page == command.removeprefix("page.")


@pytest.mark.parametrize("size", [(900, 600), (1366, 768), (2560, 1440)])
def test_all_words_of_the_welcome_have_room(
    opened: Opened, welcome: Welcome, size: tuple[int, int], qtbot: QtBot
) -> None:
    opened.window.resize(*size)
    qtbot.waitUntil(lambda: welcome.geometry().right() < size[0])
    assert opened.window.rect().contains(welcome.geometry())
    layout = welcome.layout()
    assert layout is not None
    assert welcome.height() >= layout.totalHeightForWidth(welcome.width())


def test_a_click_beside_the_welcome_closes_it_and_does_what_it_was_meant_for(opened: Opened, welcome: Welcome) -> None:
    QTest.mouseClick(welcome, Qt.MouseButton.LeftButton)
    assert welcome.isVisible()
    rail = next(b for b in opened.window.rail.findChildren(QToolButton) if b.text() == "Models")
    QTest.mouseClick(rail, Qt.MouseButton.LeftButton)
    assert welcome.isHidden()
    assert opened.services.settings.value.page == "models"
