"""Menus and lists have round corners, and a shadow where windows can be transparent."""

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets import popup
from gptdesk.ui.widgets.inputs.boxes import ListBox
from gptdesk.ui.widgets.popup import SHADOW, Menu

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # a popup of the offscreen platform


def test_a_menu_has_round_corners_and_a_shadow(theme: Theme, qtbot: QtBot) -> None:
    menu = Menu()
    qtbot.addWidget(menu)
    menu.addAction("Copy")
    menu.popup(QPoint(100, 100))
    image = menu.grab().toImage()
    assert image.pixelColor(0, 0).alpha() == 0
    assert 0 < image.pixelColor(image.width() // 2, image.height() - SHADOW + 1).alpha() < 128
    assert image.pixelColor(image.width() // 2, SHADOW + 3).name().upper() == theme.colours.surface
    assert menu.x() == 100 - SHADOW  # the panel stands where it was asked for, not its shadow
    menu.close()


def test_a_menu_where_windows_are_opaque_has_its_corners_cut_off(
    theme: Theme, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(popup, "can_be_transparent", lambda: False)
    menu = Menu()
    qtbot.addWidget(menu)
    menu.addAction("Copy")
    menu.popup(QPoint(100, 100))
    assert not menu.testAttribute(Qt.WidgetAttribute.WA_TranslucentBackground)
    assert not menu.mask().contains(QPoint(0, 0))
    assert menu.mask().contains(menu.rect().center())
    assert menu.x() == 100
    menu.close()


def test_a_submenu_is_of_the_same_kind(theme: Theme, qtbot: QtBot) -> None:
    menu = Menu()
    qtbot.addWidget(menu)
    assert isinstance(menu.addMenu("More"), Menu)


def test_the_list_of_a_box_has_a_shadow_and_shows_all_its_lines(theme: Theme, qtbot: QtBot) -> None:
    box = ListBox()
    qtbot.addWidget(box)
    box.addItems(["Greedy", "Balanced", "Creative"])
    box.show()
    box.showPopup()
    view = box.view()
    image = view.window().grab().toImage()
    assert image.pixelColor(0, 0).alpha() == 0
    assert view.viewport().rect().contains(view.visualRect(view.model().index(2, 0)))
    assert view.verticalScrollBar().maximum() == 0
    box.hidePopup()


def test_every_menu_of_the_program_is_such_a_menu() -> None:
    sources = Path(popup.__file__).parents[1].rglob("*.py")
    plain = [path.name for path in sources if " QMenu(" in path.read_text(encoding="utf-8")]
    assert plain == []
    assert issubclass(Menu, QMenu)
