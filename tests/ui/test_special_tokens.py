"""Special tokens in the editor: one character each, whatever is done with them; and their menu and commands."""

import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QAccessible, QGuiApplication, QTextCursor
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gptdesk.folders import Folders
from gptdesk.gpt2.checkpoint import load_model, save_model
from gptdesk.gpt2.layout import read_config
from gptdesk.gpt2.mixed_text import PLACEHOLDER, MixedText, encode_mixed
from gptdesk.gpt2.tokenizers.loading import load_tokenizer
from gptdesk.ui.playground.editing.text_menu import SPECIAL, text_menu
from gptdesk.ui.services.inference_messages import State
from gptdesk.ui.services.reading.jobs import ScoredText
from gptdesk.ui.widgets.popup import Menu
from tests.gpt2.tokenizers.folders import make_folder

from .conftest import Opened
from .editor_view import Drop, View
from .editor_view import view as view  # a fixture
from .test_playground import SHORT, decode, generate, saved, type_text

END, USER = "<|endoftext|>", "<|user|>"
NONE, SHIFT, CONTROL = (
    Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier,
)  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_any_keys_leave_the_special_tokens_of_widget_and_document_the_same(view: View, seed: int) -> None:
    rng = random.Random(seed)
    moves = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Home, Qt.Key.Key_End)

    def paste(text: str) -> None:
        data = QMimeData()
        data.setText(text)
        view.editor.insertFromMimeData(data)

    actions: list[Callable[[], object]] = [
        lambda: QTest.keyClicks(view.editor, rng.choice(["a", "Bc "])),
        lambda: view.press(Qt.Key.Key_Return),
        lambda: view.press(Qt.Key.Key_Backspace, rng.choice([CONTROL, NONE, NONE])),
        lambda: view.press(Qt.Key.Key_Delete),
        lambda: view.press(rng.choice(moves), rng.choice([SHIFT, CONTROL, NONE, NONE])),
        lambda: paste(rng.choice(["😀 é", END, f"a{PLACEHOLDER}b", "one\ntwo"])),
        lambda: view.insert(rng.choice([END, USER, "[SEP]"])),
        lambda: view.insert(rng.choice([END, USER, "[SEP]"])),
        lambda: view.generate(f" w{PLACEHOLDER}😀", rng.choice([END, USER])),
        lambda: view.press(Qt.Key.Key_Z, CONTROL),
        lambda: view.press(Qt.Key.Key_Z, CONTROL | SHIFT),
        lambda: view.editor.cut(),
        lambda: view.editor.paste(),
    ]
    for _ in range(120):
        rng.choice(actions)()
        view.check()


def test_a_special_token_is_one_character_for_the_caret_and_one_step_of_undo(view: View) -> None:
    QTest.keyClicks(view.editor, "ab")
    view.press(Qt.Key.Key_Left)
    view.insert(END)
    assert view.editor.textCursor().position() == 2
    view.press(Qt.Key.Key_Left)
    assert view.editor.textCursor().position() == 1
    view.press(Qt.Key.Key_Delete)
    assert view.document.mixed == MixedText("ab")
    view.press(Qt.Key.Key_Z, CONTROL)
    assert view.document.mixed == MixedText(f"a{PLACEHOLDER}b", (END,))
    view.press(Qt.Key.Key_Z, CONTROL)
    assert view.document.mixed == MixedText("ab")


def test_what_is_typed_beside_a_special_token_is_text(view: View) -> None:
    view.insert(END)
    QTest.keyClicks(view.editor, END)
    view.press(Qt.Key.Key_Home)
    QTest.keyClicks(view.editor, "x")
    assert view.document.mixed == MixedText(f"x{PLACEHOLDER}{END}", (END,))
    view.check()


def test_of_two_neighbours_the_right_one_is_deleted(view: View) -> None:
    for name in (END, USER, END):
        view.insert(name)
    view.press(Qt.Key.Key_Left)
    view.press(Qt.Key.Key_Backspace)
    assert view.document.mixed.names == (END, END)
    view.check()
    view.press(Qt.Key.Key_Z, CONTROL)
    assert view.document.mixed.names == (END, USER, END)
    view.check()


def test_undo_shows_the_name_that_stood_there_before(view: View) -> None:
    """The characters are the same: only the name changes."""
    view.insert(END)
    view.editor.selectAll()
    view.insert(USER)
    view.check()
    view.press(Qt.Key.Key_Z, CONTROL)
    assert view.document.mixed.names == (END,)
    view.check()


def test_copied_special_tokens_are_pasted_as_such_and_spelled_for_other_programs(view: View) -> None:
    QTest.keyClicks(view.editor, "a")
    view.insert(END)
    view.editor.selectAll()
    view.editor.copy()
    assert QGuiApplication.clipboard().text() == f"a{END}"
    view.press(Qt.Key.Key_End)
    view.editor.paste()
    assert view.document.mixed == MixedText(f"a{PLACEHOLDER}a{PLACEHOLDER}", (END, END))
    data = QMimeData()
    data.setText(f"a{END}")
    view.editor.insertFromMimeData(data)
    assert view.document.mixed.names == (END, END)
    view.check()


def test_a_special_token_is_moved_by_dragging(view: View) -> None:
    view.insert(END)
    QTest.keyClicks(view.editor, "word")
    view.select(0, 1)
    data = view.editor.createMimeDataFromSelection()
    cursor = QTextCursor(view.editor.document())
    cursor.movePosition(QTextCursor.MoveOperation.End)
    place = QPointF(view.editor.cursorRect(cursor).center())
    event = Drop(view.editor, place, Qt.DropAction.MoveAction, data, Qt.MouseButton.LeftButton, NONE)
    event.setDropAction(Qt.DropAction.MoveAction)
    view.editor.dropEvent(event)
    assert view.document.mixed == MixedText(f"word{PLACEHOLDER}", (END,))
    view.check()


def test_the_name_is_drawn_without_moving_the_line_and_is_in_the_tooltip(view: View) -> None:
    QTest.keyClicks(view.editor, "ab")
    block = view.editor.document().firstBlock()
    before = block.layout().lineAt(0).y() + block.layout().lineAt(0).ascent()
    view.insert(END)
    line = block.layout().lineAt(0)
    assert line.y() + line.ascent() == pytest.approx(before, abs=1)
    left, right = (view.editor.cursorRect(_at(view, place)) for place in (2, 3))
    assert right.left() - left.left() > 60
    place = (left.center() + right.center()) / 2
    assert view.editor.help_at(place).startswith(f"{END}: a special token")
    view.editor.show_known(frozenset())
    assert "reads it as text" in view.editor.help_at(place)
    assert not view.editor.help_at(left.center() - QPoint(12, 0))


def _at(view: View, place: int) -> QTextCursor:
    cursor = QTextCursor(view.editor.document())
    cursor.setPosition(place)
    return cursor


def test_a_screen_reader_hears_the_name_when_the_caret_passes_it(view: View, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []
    monkeypatch.setattr(QAccessible, "updateAccessibility", lambda event: heard.append(event.message()))
    view.insert(END)
    QTest.keyClicks(view.editor, "a")
    heard.clear()
    view.press(Qt.Key.Key_Left)
    assert heard == []
    view.press(Qt.Key.Key_Left)
    assert heard == [f"special token {END}"]


def test_generated_text_behind_a_special_token_is_appended_alone(view: View) -> None:
    """As without special tokens: the paragraph before it is not written again."""
    view.insert(END)
    changes: list[tuple[int, int, int]] = []
    view.editor.document().contentsChange.connect(lambda *change: changes.append(change))
    for number in range(20):
        view.generate(f" word{number}")
    assert all(removed <= 1 and added <= 8 for _, removed, added in changes)
    view.check()


# In the window


@pytest.fixture
def with_roles(tmp_path: Path, tiny_model_folder: Path) -> Path:
    """The tiny model with two special tokens more."""
    folder = make_folder(tmp_path / "roles", "added")
    model = load_model(tiny_model_folder)
    wider = type(model)(replace(model.config, vocab_size=read_config(folder).vocab_size))
    save_model(wider, folder)
    return folder


def menu_of(opened: Opened) -> dict[str, object]:
    """The submenu of special tokens in the context menu: actions by text."""
    editor = opened.window.playground.editor
    menu = text_menu(editor, (), editor.fill_special_menu)
    opened.window.commands.refresh()
    (special,) = [action.menu() for action in menu.actions() if action.text() == SPECIAL]
    return {action.text(): action for action in special.actions() if action.text()}


def test_the_menu_inserts_the_models_special_tokens_and_the_model_reads_them(
    opened: Opened, qtbot: QtBot, folders: Folders
) -> None:
    session = opened.window.session
    type_text(opened, "One")
    menu_of(opened)[END].trigger()
    type_text(opened, "Two")
    assert session.document.mixed == MixedText(f"One{PLACEHOLDER}Two", (END,))
    expected = "3 of "
    qtbot.waitUntil(lambda: opened.window.status.tokens.text().startswith(expected))
    decode(opened, SHORT)
    generate(opened, qtbot)
    assert session.done.prompt_tokens == 3
    session.save()
    opened.close()
    assert saved(folders).mixed.names[:1] == (END,)


def test_names_become_special_tokens_when_asked_and_text_again(opened: Opened, qtbot: QtBot) -> None:
    session, commands = opened.window.session, opened.window.commands
    type_text(opened, f"{END}One {END}")
    assert session.document.mixed.names == ()
    assert commands.reason("text.special_to_text") == "The text contains no special token."
    assert commands.run("text.special_from_names")
    assert session.document.mixed == MixedText(f"{PLACEHOLDER}One {PLACEHOLDER}", (END, END))
    opened.window.playground.editor.selectAll()
    assert commands.run("text.special_to_text")
    assert session.document.mixed == MixedText(f"{END}One {END}")


@pytest.mark.qt_log_ignore("This plugin does not support")  # a popup of the offscreen platform
def test_one_special_token_is_inserted_at_once_and_of_several_one_is_chosen(
    open_window: Callable[..., Opened], qtbot: QtBot, with_roles: Path, tiny_model_folder: Path
) -> None:
    opened = open_window()
    qtbot.waitUntil(lambda: opened.state is State.READY)
    session, commands = opened.window.session, opened.window.commands
    assert commands.run("text.insert_special")
    assert session.document.mixed.names == (END,)
    opened.services.settings.update(model=str(with_roles))
    qtbot.waitUntil(lambda: opened.state is State.READY and USER in opened.window._page("play").special.names)
    commands.run("text.insert_special")
    (menu,) = [menu for menu in opened.window.playground.editor.findChildren(Menu) if menu.isVisible()]
    QTest.keyClick(menu, Qt.Key.Key_Down)
    QTest.keyClick(menu, Qt.Key.Key_Down)
    QTest.keyClick(menu, Qt.Key.Key_Return)
    assert session.document.mixed.names == (END, USER)
    assert opened.window.playground.editor.hasFocus()


def test_a_model_without_the_special_token_says_so_and_reads_text(
    open_window: Callable[..., Opened], qtbot: QtBot, with_roles: Path, tiny_model_folder: Path
) -> None:
    opened = open_window(str(with_roles))
    qtbot.waitUntil(lambda: opened.state is State.READY)
    session, messages = opened.window.session, opened.services.messages
    menu_of(opened)[USER].trigger()
    type_text(opened, "Hi")
    assert "special tokens" not in messages.banners
    opened.services.settings.update(model=str(tiny_model_folder))
    qtbot.waitUntil(lambda: "special tokens" in messages.banners)
    assert "does not have the special token <|user|>" in messages.banners["special tokens"].text
    qtbot.waitUntil(lambda: opened.state is State.READY)
    decode(opened, SHORT)
    generate(opened, qtbot)
    tokenizer = load_tokenizer(tiny_model_folder, read_config(tiny_model_folder))
    assert session.done.prompt_tokens == len(tokenizer.encode(f"{USER}Hi"))
    assert session.document.mixed.names == (USER,)
    dict(messages.banners["special tokens"].offers)["Turn into text"]()
    assert session.document.mixed.names == ()
    assert "special tokens" not in messages.banners


def test_special_tokens_that_a_model_writes_are_shown_as_such(
    open_window: Callable[..., Opened], qtbot: QtBot, with_roles: Path
) -> None:
    (with_roles / "generation_config.json").write_text('{"eos_token_id": 50259}')
    opened = open_window(str(with_roles))
    qtbot.waitUntil(lambda: opened.state is State.READY)
    type_text(opened, "One")
    decode(opened, replace(SHORT, max_tokens=3, logit_bias={50256: 100.0}))
    generate(opened, qtbot)
    written = opened.window.session.document.runs[-1]
    assert written.generated
    assert written.mixed == MixedText(3 * PLACEHOLDER, (END,) * 3)
    assert [(token.id, token.length) for token in written.tokens] == [(50256, 1)] * 3


def test_a_text_with_special_tokens_is_read_in_the_background_by_its_own_places(opened: Opened, qtbot: QtBot) -> None:
    reads = opened.services.inference.reads
    text = MixedText(f"One{PLACEHOLDER} two", (END,))
    scored: list[ScoredText] = []
    reads.scored.connect(scored.append)
    with qtbot.waitSignal(reads.read) as read:
        reads.read_text(text, scored=True)
    assert read.args == [text]
    qtbot.waitUntil(lambda: bool(scored))
    assert scored[-1].found.ids.tolist() == encode_mixed(opened.services.inference.info.tokenizer, text)
    assert list(zip(scored[-1].starts.tolist(), scored[-1].ends.tolist(), strict=True)) == [(0, 3), (3, 4), (4, 8)]


def test_without_a_model_the_menu_says_why_it_is_empty(
    open_window: Callable[..., Opened], qtbot: QtBot, tmp_path: Path, tiny_model_folder: Path
) -> None:
    shutil.copytree(tiny_model_folder, tmp_path / "gone")
    opened = open_window(str(tmp_path / "nothing"))
    qtbot.waitUntil(lambda: opened.state is State.EMPTY)
    reason = "No model is loaded; choose one at the top of the window."
    assert not menu_of(opened)[reason].isEnabled()
    assert opened.window.commands.reason("text.insert_special") == reason
