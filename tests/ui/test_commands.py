"""The registry of commands: checks on registering, keys by page, the main menu, recently run commands."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from gptdesk.errors import UserError
from gptdesk.ui.services.settings import SavedSettings
from gptdesk.ui.window.commands.registry import Command, Commands
from gptdesk.ui.window.commands.shortcuts import check_key
from gptdesk.ui.window.frame.main_menu import MainMenu

from .conftest import Opened

CONTROL = Qt.KeyboardModifier.ControlModifier


class Bench(QWidget):
    """A window with a field and commands that write down what ran."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.settings = SavedSettings(folder / "settings.json", self)
        self.commands = Commands(self, self.settings)
        self.field = QLineEdit()
        QVBoxLayout(self).addWidget(self.field)
        self.ran: list[str] = []

    def add(self, id: str, **rest: object) -> Command:
        values: dict[str, object] = {"title": id.capitalize(), "description": f"Does {id}", **rest}
        command = Command(id=id, run=lambda: self.ran.append(id), **values)  # type: ignore[arg-type]
        self.commands.add(command)
        return command

    def press(self, key: Qt.Key, modifiers: Qt.KeyboardModifier = CONTROL) -> None:
        QTest.keyClick(self.field, key, modifiers)


@pytest.fixture
def bench(tmp_path: Path, qtbot: QtBot) -> Iterator[Bench]:
    made = Bench(tmp_path)
    qtbot.addWidget(made)
    made.show()
    made.field.setFocus()
    qtbot.waitUntil(made.field.hasFocus)
    yield made
    made.settings.flush()


def test_a_key_runs_the_command_of_the_page_that_is_shown(bench: Bench) -> None:
    bench.add("document", shortcuts=("Ctrl+N",))
    bench.add("run", shortcuts=("Ctrl+N",), scope="train")
    bench.press(Qt.Key.Key_N)
    bench.commands.set_page("train")
    bench.press(Qt.Key.Key_N)
    bench.commands.set_page("play")
    bench.press(Qt.Key.Key_N)
    assert bench.ran == ["document", "run", "document"]


def test_a_key_may_depend_on_the_part_that_a_page_shows(bench: Bench) -> None:
    bench.add("run", shortcuts=("F2",), scope="train.run")
    bench.add("data", shortcuts=("F2",), scope="train.data")
    bench.commands.set_page("train")
    for part in ("run", "data", ""):
        bench.commands.set_part("train", part)
        bench.press(Qt.Key.Key_F2, Qt.KeyboardModifier.NoModifier)
    assert bench.ran == ["run", "data"]


def test_a_command_that_is_not_possible_does_not_run_and_its_action_says_why(bench: Bench) -> None:
    reasons: list[str | None] = ["Nothing is selected."]
    bench.add("verify", shortcuts=("Ctrl+E",), is_possible=lambda: reasons[0])
    bench.press(Qt.Key.Key_E)
    action = bench.commands.action("verify")
    assert not action.isEnabled()
    assert action.statusTip() == "Nothing is selected."
    reasons[0] = None
    bench.press(Qt.Key.Key_E)  # nobody has to tell the registry
    assert bench.ran == ["verify"]


@pytest.mark.parametrize(
    "second",
    [
        {"id": "one"},
        {"id": "two", "shortcuts": ("Ctrl+J",)},
        {"id": "three", "description": ""},
        {"id": "four", "title": ""},
    ],
)
def test_ids_keys_titles_and_descriptions_are_checked_when_a_command_is_registered(
    bench: Bench, second: dict[str, object]
) -> None:
    bench.add("one", shortcuts=("Ctrl+J",))
    with pytest.raises(ValueError, match=r"one|two|three|four"):
        bench.add(**second)  # type: ignore[arg-type]


def test_another_key_holds_at_once_and_after_a_restart_and_the_old_one_no_longer(
    bench: Bench, tmp_path: Path, qtbot: QtBot
) -> None:
    bench.add("generate", shortcuts=("Ctrl+J",))
    bench.commands.bind("generate", ("Ctrl+G",))
    bench.press(Qt.Key.Key_J)
    assert bench.ran == []
    bench.press(Qt.Key.Key_G)
    assert bench.ran == ["generate"]
    bench.settings.flush()
    again = Bench(tmp_path)
    qtbot.addWidget(again)
    again.add("generate", shortcuts=("Ctrl+J",))
    assert again.commands.keys("generate") == ("Ctrl+G",)
    again.commands.reset_keys()
    assert again.commands.keys("generate") == ("Ctrl+J",)
    assert dict(again.settings.value.shortcuts) == {}
    again.settings.flush()


def test_conflicts_are_named_where_scopes_overlap(bench: Bench) -> None:
    bench.add("document", shortcuts=("Ctrl+N",))
    bench.add("run", shortcuts=("Ctrl+N", "Ctrl+R"), scope="train")
    bench.add("model", shortcuts=("Ctrl+M",), scope="models")
    names = lambda id, key: [command.id for command in bench.commands.conflicts(id, key)]  # noqa: E731
    assert names("document", "Ctrl+N") == []  # they share it by default
    assert names("document", "Ctrl+R") == ["run"]
    assert names("model", "Ctrl+R") == []
    assert names("model", "Ctrl+N") == ["document"]


@pytest.mark.parametrize("key", ["A", "Return", "Ctrl+C", "", "nonsense", "Ctrl+K, Ctrl+L", "Shift+A"])
def test_keys_that_text_fields_need_are_refused_with_a_sentence(key: str, bench: Bench) -> None:
    with pytest.raises(UserError, match=r"\.$"):
        check_key(key)


@pytest.mark.parametrize("key", ["Ctrl+K", "F5", "Esc", "Del", "Alt+Up", "Ctrl+Shift+P"])
def test_keys_with_ctrl_or_alt_and_function_keys_are_shortcuts(key: str, bench: Bench) -> None:
    assert check_key(key) == key


def test_damaged_and_unknown_shortcuts_cost_themselves_alone(tmp_path: Path, qtbot: QtBot) -> None:
    (tmp_path / "settings.json").write_text(
        '{"schema": 1, "shortcuts": {"generate": ["Ctrl+G"], "stop": 7, "gone": ["Ctrl+L"], "undo": ["A"]}}'
    )
    bench = Bench(tmp_path)
    qtbot.addWidget(bench)
    bench.add("generate", shortcuts=("Ctrl+J",))
    bench.add("stop", shortcuts=("Esc",))
    assert bench.commands.keys("generate") == ("Ctrl+G",)
    assert bench.commands.keys("stop") == ("Esc",)


def test_recently_run_commands_are_remembered_newest_first(bench: Bench) -> None:
    for id in ("a", "b", "c"):
        bench.add(id)
    for id in ("a", "b", "a", "c"):
        bench.commands.run(id)
    assert bench.commands.recent == ("c", "a", "b")


def test_the_main_menu_lists_commands_by_group_with_submenus(bench: Bench) -> None:
    bench.add("quit", group="help")
    bench.add("new", group="new", shortcuts=("Ctrl+N",))
    bench.add("dark", group="view", submenu="Theme", checked=lambda: True)
    bench.add("hidden")
    menu = MainMenu(bench, bench.commands)
    assert [action.text() for action in menu.actions() if not action.isSeparator()] == ["New", "Theme", "Quit"]
    menu.aboutToShow.emit()
    (dark,) = menu.submenu("Theme").actions()
    assert dark.isChecked()
    bench.add("late", group="new")
    menu.aboutToShow.emit()
    assert "Late" in [action.text() for action in menu.actions()]


def test_every_command_of_the_window_has_a_title_a_description_and_a_check(opened: Opened) -> None:
    commands = list(opened.window.commands)
    assert len(commands) > 10
    for command in commands:
        assert command.title
        assert command.description
        assert not command.description.endswith(".")
        reason = opened.window.commands.reason(command.id)
        assert reason is None or reason.endswith(".")


def test_ctrl_n_begins_what_the_page_is_about(opened: Opened, open_window: Callable[..., Opened]) -> None:
    commands = opened.window.commands
    assert commands.action("document.new").shortcut().toString() == "Ctrl+N"
    opened.window.show_page("train")
    assert commands.action("run.new").shortcut().toString() == "Ctrl+N"
    assert commands.action("document.new").shortcut().isEmpty()


def test_commands_of_every_page_work_before_the_page_was_shown(opened: Opened, qtbot: QtBot) -> None:
    commands = opened.window.commands
    for id in ("model.verify", "run.delete", "data.pause", "run.checkpoint", "text.stop", "text.undo"):
        reason = commands.reason(id)
        assert reason is not None
        assert reason.endswith(".")
        assert not commands.run(id)
    for id in ("models.search", "runs.watch", "run.new", "models.download", "text.generate"):
        assert commands.reason(id) is None
    assert commands.run("models.search")
    assert opened.window.current_page == "models"
    assert commands.run("text.generate")
    assert opened.window.current_page == "play"
    qtbot.waitUntil(lambda: not opened.window.session.busy)


def test_find_and_delete_belong_to_the_page_that_is_shown(opened: Opened) -> None:
    commands = opened.window.commands
    keys = {
        page: {command.id for command in commands if "Ctrl+F" in shortcuts_of(opened, page, command.id)}
        for page in ("play", "models", "train")
    }
    assert keys == {"play": {"text.find"}, "models": {"models.search"}, "train": {"runs.search"}}
    commands.set_page("train")
    commands.set_part("train", "data")
    assert commands.action("data.cancel").shortcut().toString() == "Del"
    assert commands.action("run.delete").shortcut().isEmpty()


def shortcuts_of(opened: Opened, page: str, id: str) -> list[str]:
    opened.window.commands.set_page(page)
    return [key.toString() for key in opened.window.commands.action(id).shortcuts()]


def test_buttons_have_the_description_and_the_key_in_their_tooltips(opened: Opened) -> None:
    bar = opened.window.playground.bar
    assert "Continue the text with the model (Ctrl+Enter)" in bar.generate.toolTip()
    assert "There is nothing to undo." in bar.undo.toolTip()
    opened.window.commands.bind("text.generate", ("Ctrl+G",))
    assert "(Ctrl+G)" in bar.generate.toolTip()
    assert "Ctrl ↵" not in bar.generate.text()
    assert "Ctrl+G" in opened.window.playground.empty.how.text()


def test_undo_with_another_key_leaves_its_old_key_alone(opened: Opened, qtbot: QtBot) -> None:
    opened.window.commands.bind("text.undo", ("Ctrl+U",))
    editor = opened.window.playground.editor
    QTest.keyClicks(editor, "on")
    QTest.keyClick(editor, Qt.Key.Key_Z, CONTROL)
    assert opened.window.session.document.text == "on"
    QTest.keyClick(editor, Qt.Key.Key_U, CONTROL)
    assert opened.window.session.document.text == ""


def test_no_command_has_a_standard_key_that_means_more_on_some_desktops(opened: Opened) -> None:
    """On X11 "delete" is also Ctrl+D, which pins a run: the window did not open there."""
    for command in opened.window.commands:
        assert QKeySequence.StandardKey.Delete not in command.shortcuts, command.id


def test_moves_of_the_focus_between_regions_are_commands_with_keys_that_can_be_changed(
    opened: Opened, qtbot: QtBot
) -> None:
    commands, window = opened.window.commands, opened.window
    qtbot.waitUntil(window.isActiveWindow)
    editor = window.playground.editor
    editor.setFocus()
    commands.bind("region.next", ("F8",))
    QTest.keyClick(editor, Qt.Key.Key_F6)
    assert editor.hasFocus()
    QTest.keyClick(editor, Qt.Key.Key_F8)
    assert not editor.hasFocus()
    assert "region.next" not in commands.recent  # the palette does not list it


def test_menus_of_model_device_and_presets_have_commands(opened: Opened) -> None:
    commands = opened.window.commands
    assert commands.reason("inference.stop_following") == "No run is being followed."
    assert commands.reason("preset.delete") == "The current preset is not one of your own."
    opened.services.settings.update(presets={"mine": opened.services.settings.value.decoding})
    assert commands.run("preset.delete")
    assert not opened.services.settings.value.presets
    assert commands.run("decoding.neutral")
    assert opened.services.settings.value.decoding.temperature == 1.0
    assert commands.run("decoding.for_new")
    assert commands.reason("decoding.for_new") == "New documents already start with these settings."
