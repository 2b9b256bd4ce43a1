"""Every widget of the window, its panes and the dialogs of its commands: by keyboard, and for a screen reader."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import shiboken6
from PySide6.QtCore import Qt
from PySide6.QtGui import QDesktopServices, QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from gptdesk.folders import Folders
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.ui.services.inference_messages import State
from gptdesk.ui.widgets.overlay import Overlay
from gptdesk.ui.window.commands.palette import CommandPalette
from gptdesk.ui.window.commands.registry import Command
from trainer.run_directory.layout import EVENTS

from .conftest import Opened
from .keyboard_walk import unnamed, walk, without_role

FILE_DIALOGS = ("getOpenFileName", "getOpenFileNames", "getSaveFileName", "getExistingDirectory")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """File dialogs that were opened and cancelled."""
    found: list[str] = []

    def cancel(name: str, answer: Any) -> Callable[..., Any]:
        return lambda *_, **__: found.append(name) or answer

    for name in FILE_DIALOGS:
        answer = "" if name == "getExistingDirectory" else ([], "") if name.endswith("s") else ("", "")
        monkeypatch.setattr(QFileDialog, name, cancel(name, answer))
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda _: found.append("openUrl") or True)
    return found


@pytest.fixture
def full(open_window: Callable[..., Opened], folders: Folders, qtbot: QtBot) -> Opened:
    """A window with a generated text, a run, and all its panes open."""
    make_run(folders.runs / "alpha")
    opened = open_window()
    window = opened.window
    window.resize(1600, 1000)
    qtbot.waitUntil(lambda: opened.state is State.READY)
    opened.services.settings.update(decoding=DecodingSettings(seed=1, max_tokens=4))
    window.playground.editor.replace_selection("Once upon a time")
    window.commands.run("text.generate")
    qtbot.waitUntil(lambda: not window.session.busy)
    return opened


def make_run(folder: Path) -> None:
    (folder / "checkpoints").mkdir(parents=True)
    files = {
        "run.json": {"format": 1, "id": "alpha", "t": 1.0, "config": {"schedule": {"steps": 3}}},
        "status.json": {"format": 1, "state": "finished", "step": 3, "best_loss": 3.5, "best_step": 3},
        "exit.json": {"state": "finished", "t": 2.0},
    }
    for name, values in files.items():
        (folder / name).write_text(json.dumps(values))
    (folder / "run.lock").write_text("")
    steps = ({"v": 1, "seq": n, "seg": 0, "t": float(n), "ev": "step", "step": n, "loss": 9.0 - n} for n in range(1, 4))
    (folder / EVENTS).write_text("".join(json.dumps(step, separators=(",", ":")) + "\n" for step in steps))


def problems(root: QWidget) -> list[str]:
    return [*unnamed(root), *without_role(root), *walk(root)]


def in_front(window: QWidget) -> QWidget | None:
    """The dialog, or the overlay with the focus, that a command has opened."""
    for widget in QApplication.topLevelWidgets():
        if isinstance(widget, QDialog) and widget.isVisible():
            return widget
    focus = window.focusWidget()
    shown = (overlay for overlay in window.findChildren(Overlay) if overlay.isVisible())
    return next((overlay for overlay in shown if focus and overlay.isAncestorOf(focus)), None)


def answers(opened: Opened, asked: list[str]) -> tuple[object, ...]:
    """What changes where a command opens nothing of ours: a file dialog, a toast, the only special token inserted."""
    return len(asked), opened.window.session.document.text


def asks(command: Command) -> bool:
    """Whether a command opens something: its title ends in three dots, or it belongs to the help."""
    title = command.label() if command.label is not None else command.title
    return title.endswith("…") or command.group == "help"


def problems_of_dialog(opened: Opened, command: Command, asked: list[str], qtbot: QtBot) -> list[str]:
    """Runs a command that asks for something, looks at what it opens, and closes that with Esc."""
    window, before = opened.window, answers(opened, asked)
    window.activateWindow()
    window.commands.run(command.id)
    qtbot.waitUntil(
        lambda: any((in_front(window), QApplication.activePopupWidget())) or answers(opened, asked) != before
    )
    menu, front = QApplication.activePopupWidget(), in_front(window)
    if menu is not None:
        menu.close()
    if front is None:
        return []
    found = problems(front)
    QTest.keyClick(QApplication.focusWidget() or front, Qt.Key.Key_Escape)
    QApplication.processEvents()
    return [*found, *(["Esc does not close it"] if shiboken6.isValid(front) and front.isVisible() else [])]


@pytest.mark.qt_log_ignore("This plugin does not support")  # popups and dialogs of the offscreen platform
def test_every_widget_has_a_name_and_a_role_and_is_reached_by_keyboard(
    full: Opened, asked: list[str], qtbot: QtBot
) -> None:
    window, commands = full.window, full.window.commands
    full.services.messages.toasted.connect(lambda message: asked.append(message.text))
    found: list[str] = []
    ran: set[str] = set()
    for page in window.pages:
        window.show_page(page)
        qtbot.waitUntil(lambda page=page: window.stack.views.get(page) is not None)  # type: ignore[misc]
        if page == "train":
            qtbot.waitUntil(lambda: window.train.dashboard.isVisible())
        if page == "play":
            for id in ("document.pane", "tokens.show", "text.replace", "inspect.show"):
                assert commands.run(id)
        found += [f"{page}: {problem}" for problem in problems(window)]
        for command in [each for each in commands if each.in_palette and asks(each) and each.id not in ran]:
            if commands.reason(command.id) is None and command.scope.partition(".")[0] in ("", page):
                ran.add(command.id)
                found += [f"{command.id}: {problem}" for problem in problems_of_dialog(full, command, asked, qtbot)]
    assert not found, "\n".join(sorted(found))
    assert len(ran) > 20


@pytest.mark.qt_log_ignore("This plugin does not support")
def test_no_two_commands_share_a_key_anywhere(full: Opened) -> None:
    window = full.window
    for page in window.pages:
        window.show_page(page)
        actions = [action for action in window.actions() if action.shortcuts()]
        keys = Counter(key.toString() for action in actions for key in action.shortcuts())
        keys.update(shortcut.key().toString() for shortcut in window.findChildren(QShortcut))
        assert [key for key, count in keys.items() if count > 1] == [], page


def test_the_palette_lists_every_command(full: Opened) -> None:
    commands = full.window.commands
    unlisted = {command.id for command in commands if not command.in_palette}
    assert unlisted == {"palette.open", "region.next", "region.previous"}
    commands.run("palette.open")
    palette = full.window.findChild(CommandPalette)
    submenus = {command.id for command in commands if command.fill is not None}
    assert palette.list.count() == len(commands) - len(unlisted) - len(submenus)
