"""A page that is added is found everywhere; a page that fails leaves the others usable."""

import ast
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

import pytest
from msgspec.structs import asdict
from PySide6.QtCore import QPointF, QSettings, Qt
from PySide6.QtGui import QEnterEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QPlainTextEdit
from pytestqt.qtbot import QtBot

from gptdesk.folders import Folders
from gptdesk.store.settings import Settings
from gptdesk.store.settings_file import SettingsFile
from gptdesk.ui.services.services import Services
from gptdesk.ui.widgets.layout.page_bars import PageBar, PageStatus
from gptdesk.ui.window.commands.registry import Command
from gptdesk.ui.window.page_list import PAGES
from gptdesk.ui.window.pages import BasePage, PageRegistry, PageView, Window
from gptdesk.ui.window.process.crash import CrashDialog, CrashHandler

from .conftest import Opened


class NotesPage(BasePage):
    id: ClassVar[str] = "notes"
    title: ClassVar[str] = "Notes"
    icon: ClassVar[str] = "document"

    def make_view(self) -> PageView:
        self.text = QPlainTextEdit()
        self.text.setAccessibleName("Notes")
        return PageView(
            content=self.text,
            top_bar=PageBar(self.services.theme, self.title, self.window.menu),
            status_bar=PageStatus(self.services.theme, ("State", "Details", "Figures")),
            regions=(self.text,),
            focus=self.text.setFocus,
        )

    def commands(self) -> Sequence[Command]:
        clear = Command(id=f"{self.id}.clear", title="Clear notes", description="Remove all notes", run=self.clear)
        return (clear,)

    def clear(self) -> None:
        self.window.show_page(self.id)
        self.text.clear()


class BrokenPage(NotesPage):
    id: ClassVar[str] = "broken"
    title: ClassVar[str] = "Broken"

    def __init__(self, services: Services, window: Window) -> None:
        raise RuntimeError("no page")


class BrokenView(NotesPage):
    id: ClassVar[str] = "broken view"
    title: ClassVar[str] = "Broken view"

    def make_view(self) -> PageView:
        QLabel("half a view", self.window.contents)
        raise RuntimeError("no view")


class PreloadedPage(NotesPage):
    id: ClassVar[str] = "preloaded"
    title: ClassVar[str] = "Preloaded"
    asked: int = 0

    def preload(self) -> None:
        self.asked += 1


@pytest.fixture
def open_with(open_window: Callable[..., Opened], qtbot: QtBot) -> Callable[..., Opened]:
    """Opens a window with gptdesk's pages and these."""

    def open_one(*kinds: type[BasePage]) -> Opened:
        opened = open_window(None, pages=PageRegistry((*PAGES, *kinds)))  # type: ignore[arg-type]
        qtbot.waitUntil(opened.window.isActiveWindow)
        return opened

    return open_one


def rail_button(opened: Opened, title: str) -> QAbstractButton:
    return next(b for b in opened.window.rail.findChildren(QAbstractButton) if b.text() == title)


def test_a_page_that_is_added_is_in_the_rail(open_with: Callable[..., Opened], qtbot: QtBot) -> None:
    opened = open_with(NotesPage)
    button = rail_button(opened, "Notes")
    assert button.toolTip() == "Notes (Ctrl+6)"
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    page = opened.window.pages["notes"]
    assert opened.window.contents.currentWidget() is page.text
    assert opened.window.windowTitle() == "Notes — gptdesk"
    assert QApplication.focusWidget() is page.text
    opened.window.regions.go(1)
    opened.window.regions.go(-1)
    assert QApplication.focusWidget() is page.text


def test_a_page_may_preload_once_the_pointer_or_the_keyboard_comes_to_its_button(
    open_with: Callable[..., Opened],
) -> None:
    opened = open_with(PreloadedPage)
    page, button = opened.window.pages["preloaded"], rail_button(opened, "Preloaded")
    assert page.asked == 0
    inside = QPointF(button.rect().center())
    QApplication.sendEvent(button, QEnterEvent(inside, inside, button.mapToGlobal(inside)))
    assert page.asked == 1
    button.setFocus(Qt.FocusReason.TabFocusReason)
    assert page.asked == 2


def test_a_page_that_is_added_is_in_the_menu_and_has_a_shortcut(open_with: Callable[..., Opened]) -> None:
    opened = open_with(NotesPage)
    assert "notes" not in opened.window.stack.views, "made when it is first shown"
    action = next(action for action in opened.window.menu.actions() if action.text() == "Notes")
    assert action.shortcut().toString() == "Ctrl+6"
    QTest.keyClick(opened.window, Qt.Key.Key_6, Qt.KeyboardModifier.ControlModifier)
    assert opened.window.current_page == "notes"
    opened.window.show_page("play")
    action.trigger()
    assert opened.window.current_page == "notes"


def test_a_page_that_is_added_and_its_commands_are_in_the_registry_of_commands(
    open_with: Callable[..., Opened],
) -> None:
    opened = open_with(NotesPage)
    titles = {command.title for command in opened.window.commands}
    assert {"Notes", "Clear notes"} <= titles
    assert opened.window.commands.run("notes.clear")
    assert opened.window.current_page == "notes"


def test_a_page_that_is_added_and_its_commands_are_in_the_palette(open_with: Callable[..., Opened]) -> None:
    opened = open_with(NotesPage)
    opened.window.tools.open_palette()
    palette = opened.window.tools.palette
    QTest.keyClicks(palette.field, "notes")
    assert {palette.list.item(row).text() for row in range(2)} == {"Notes", "Clear notes"}
    palette.list.setCurrentRow([palette.list.item(row).text() for row in range(2)].index("Notes"))
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    assert opened.window.current_page == "notes"


def test_a_page_that_is_added_is_shown_again_after_a_restart(
    open_with: Callable[..., Opened], folders: Folders
) -> None:
    first = open_with(NotesPage)
    first.window.show_page("notes")
    first.close()
    assert open_with(NotesPage).window.current_page == "notes"


@pytest.mark.parametrize("page", ["gone", ""])
def test_the_first_page_is_shown_where_the_settings_name_none_that_there_is(
    open_with: Callable[..., Opened], folders: Folders, page: str
) -> None:
    SettingsFile(folders.config / "settings.json").save(Settings(page=page))
    assert open_with().window.current_page == PAGES.first


@pytest.mark.parametrize("kind", [BrokenPage, BrokenView])
def test_a_page_that_fails_is_one_sentence_and_a_crash_report_and_the_others_live(
    open_with: Callable[..., Opened], kind: type[NotesPage], qtbot: QtBot, caplog: pytest.LogCaptureFixture
) -> None:
    opened = open_with(kind, NotesPage)
    window = opened.window
    handler = CrashHandler(opened.services.folders.logs)
    handler.install(window)
    opened.services.messages.crashed.connect(handler.show_report)
    try:
        rail_button(opened, kind.title).click()
        qtbot.waitUntil(lambda: window.findChildren(CrashDialog) != [])
        (dialog,) = window.findChildren(CrashDialog)
        assert "RuntimeError: no" in dialog.findChildren(QPlainTextEdit)[0].toPlainText()
        dialog.accept()
        words = [label.text() for label in window.contents.currentWidget().findChildren(QLabel)]
        assert len(words) == 1
        assert f"The page {kind.title} cannot be shown" in words[0]
        assert not any(label.text() == "half a view" for label in window.findChildren(QLabel) if label.isVisible())
        for page in ("play", "models", "notes"):
            window.show_page(page)
            assert window.stack.view.content.isVisible()
    finally:
        handler.remove()


def test_two_pages_cannot_have_one_id() -> None:
    with pytest.raises(ValueError, match="different ids"):
        PageRegistry((NotesPage, NotesPage))  # type: ignore[arg-type]


def test_widths_of_columns_are_kept_by_page(open_with: Callable[..., Opened], folders: Folders) -> None:
    class Columns:
        borders = "123"
        given: ClassVar[list[object]] = []

        def set_borders(self, borders: object) -> None:
            self.given.append(borders)

    class ColumnsPage(NotesPage):
        id: ClassVar[str] = "columns"

        def make_view(self) -> PageView:
            view = super().make_view()
            return PageView(**{**asdict(view), "columns": Columns()})

    for _ in range(2):
        opened = open_with(ColumnsPage)
        opened.window.show_page("columns")
        opened.close()
    assert Columns.given == [None, "123"]
    file = QSettings(str(Path(folders.config / "window.ini")), QSettings.Format.IniFormat)
    assert file.value("borders/columns") == "123"


def test_no_page_imports_another_page() -> None:
    packages = [kind.__module__.rpartition(".")[0] for kind in PAGES]
    found = []
    for package in packages:
        others = tuple(other for other in packages if other != package)
        for file in Path(str(sys.modules[f"{package}.page"].__file__)).parent.rglob("*.py"):
            nodes = ast.walk(ast.parse(file.read_text("utf-8")))
            modules = [str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)]
            found += [f"{file.name}: {module}" for module in modules if module.startswith(others)]
    assert found == []
