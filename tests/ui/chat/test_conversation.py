"""A conversation: sent, answered, edited, branched, continued, saved, and shown in the Playground."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPlainTextEdit

from gptdesk.chat.turns import ChatTurn
from gptdesk.ui.chat.chats import TAG

from .conftest import ChatDriver


def test_a_message_is_answered_and_all_of_it_is_found_after_a_restart(
    chat: ChatDriver, open_chat: Callable[..., ChatDriver]
) -> None:
    assert chat.view.empty.isVisible()
    chat.write("Hello")
    assert chat.titles == ["User", "Assistant"]
    assert chat.turns[1].text.strip()
    assert not chat.view.composer.field.toPlainText()
    assert chat.cards[0].message.toPlainText().strip() == "Hello"
    origin = chat.session.document.last_origin()
    assert origin.seed == 1
    assert "\nUser:" in origin.settings.stop
    turns = chat.turns
    chat.opened.close()
    again = open_chat()
    assert again.turns == turns
    (entry,) = again.page.chats.entries(9)
    assert TAG in entry.tags
    assert entry.title == "Hello"


def test_a_second_message_is_a_third_and_a_fourth_turn(chat: ChatDriver) -> None:
    chat.write("Hello")
    chat.write("And then?")
    assert chat.titles == ["User", "Assistant", "User", "Assistant"]
    assert chat.turns[2].text == "And then?"


def test_a_reply_that_is_written_anew_is_a_second_version_and_the_first_is_a_key_away(chat: ChatDriver) -> None:
    chat.write("Hello")
    first = chat.turns[1]
    chat.decode(seed=2)
    chat.press(1, Qt.Key.Key_R)
    second = chat.turns[1]
    assert second != first
    assert chat.cards[1].version.text() == "2 / 2"
    chat.press(1, Qt.Key.Key_Left)
    assert chat.turns[1] == first
    assert chat.cards[1].version.text() == "1 / 2"
    chat.cards[1].later.click()
    assert chat.turns[1] == second


def test_a_message_that_is_edited_and_replied_to_is_a_branch(chat: ChatDriver) -> None:
    chat.write("Hello")
    chat.write("And then?")
    before = chat.turns
    chat.press(0, Qt.Key.Key_E)
    editor = chat.cards[0].editor
    assert isinstance(editor.field, QPlainTextEdit)
    editor.field.setPlainText("Good evening")
    chat.view.composer.field.setPlainText("Not sent: the key is the editor's.")
    QTest.keyClick(editor.field, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    chat.wait()
    assert chat.titles == ["User", "Assistant"]
    assert chat.turns[0].text == "Good evening"
    assert chat.cards[0].version.text() == "2 / 2"
    chat.press(0, Qt.Key.Key_Left)
    assert chat.turns == before


def test_a_message_that_is_saved_keeps_what_follows(chat: ChatDriver) -> None:
    chat.write("Hello")
    reply = chat.turns[1]
    chat.cards[0].edit()
    chat.cards[0].editor.field.setPlainText("Good\nevening ")
    chat.cards[0].editor.save.click()
    assert chat.turns == [ChatTurn("user", "Good\nevening "), reply]
    chat.run("chat.undo")
    assert chat.turns[0].text == "Hello"
    chat.cards[1].edit()
    QTest.keyClick(chat.cards[1].editor.field, Qt.Key.Key_Escape)
    assert chat.cards[1].editor is None
    assert chat.turns[1] == reply


def test_a_reply_is_continued_where_it_ends(chat: ChatDriver) -> None:
    chat.write("Hello")
    before = chat.turns[1].text
    chat.decode(seed=3)
    chat.run("chat.continue")
    assert chat.titles == ["User", "Assistant"]
    assert chat.turns[1].text.startswith(before)
    assert len(chat.turns[1].text) > len(before)


def test_an_edit_ends_the_reply_whose_text_stays(chat: ChatDriver) -> None:
    chat.decode(max_tokens=1000)
    chat.view.composer.field.setPlainText("Hello")
    assert chat.opened.window.commands.run("chat.send")
    chat.qtbot.waitUntil(lambda: len(chat.turns) == 2 and len(chat.turns[1].text) > 3)
    chat.session.set_text(0, "Good evening")
    assert not chat.session.busy
    assert chat.turns[0].text == "Good evening"
    assert len(chat.turns[1].text) > 3


def test_stop_ends_the_reply(chat: ChatDriver) -> None:
    chat.decode(max_tokens=1000)
    chat.view.composer.field.setPlainText("Hello")
    assert chat.opened.window.commands.run("chat.send")
    chat.qtbot.waitUntil(lambda: len(chat.turns) == 2 and bool(chat.turns[1].text))
    chat.run("chat.stop")
    assert chat.turns[1].text


def test_first_words_of_the_assistant_are_added_without_a_reply(chat: ChatDriver) -> None:
    chat.view.composer.role.setCurrentIndex(chat.view.composer.role.findData("assistant"))
    chat.write("Welcome, traveller.")
    assert chat.turns == [ChatTurn("assistant", "Welcome, traveller.")]
    assert chat.view.composer.speaker == "user"
    chat.write("Hello")
    assert chat.titles == ["Assistant", "User", "Assistant"]


def test_the_model_begins_where_it_is_asked_to(chat: ChatDriver) -> None:
    chat.view.empty.buttons[-1].click()
    chat.wait()
    assert chat.titles == ["Assistant"]
    assert chat.turns[0].text


def test_system_text_names_roles_and_pins_hold_in_all_versions(chat: ChatDriver) -> None:
    chat.write("Hello")
    chat.decode(seed=2)
    chat.run("chat.regenerate")
    chat.view.panel.system.setPlainText("Be kind.")
    chat.view.panel.names["user"].setText("Anna")
    chat.view.panel.names["user"].editingFinished.emit()
    chat.press(1, Qt.Key.Key_P)
    assert chat.turns[:2] == [ChatTurn("system", "Be kind."), ChatTurn("user", "Hello", "Anna", pinned=True)]
    assert chat.cards[2].version.text() == "2 / 2"
    chat.press(2, Qt.Key.Key_Left)
    assert chat.turns[:2] == [ChatTurn("system", "Be kind."), ChatTurn("user", "Hello", "Anna", pinned=True)]
    chat.write("Again")
    assert chat.titles == ["System", "Anna", "Assistant", "Anna", "Assistant"]
    chat.view.panel.system.clear()
    assert chat.titles == ["Anna", "Assistant", "Anna", "Assistant"]
    chat.cards[0]._set_role("system")
    assert chat.turns[0] == ChatTurn("system", "Hello", "Anna", pinned=True)
    chat.press(0, Qt.Key.Key_Delete)
    assert chat.titles == ["Assistant", "Anna", "Assistant"]


def test_models_are_compared_on_the_exact_prompt_of_a_chat(chat: ChatDriver) -> None:
    chat.write("Hello")
    window = chat.opened.window
    chat.qtbot.waitUntil(lambda: window.commands.reason("chat.compare") is None)
    prompt = chat.page.watch.prompt.mixed
    chat.run("chat.compare")
    assert window.current_page == "compare"
    session = window.pages["compare"].session  # type: ignore[attr-defined]
    assert session.prompts == [prompt]
    assert session.prompt == prompt.spelled
    assert session.choices[0].model == chat.opened.services.settings.value.model


def test_a_chat_opens_in_the_playground_and_back(chat: ChatDriver) -> None:
    chat.write("Hello")
    window = chat.opened.window
    chat.run("chat.playground")
    assert window.current_page == "play"
    assert window.session.document.mixed == chat.session.document.mixed
    assert window.session.document.last_origin() == chat.session.document.last_origin()
    window.session.edit(2, 7, "Good evening")
    assert window.commands.run("document.chat")
    assert window.current_page == "chat"
    assert chat.turns[0].text == "Good evening"
    chat.write("And then?")
    window.show_page("play")
    assert window.session.document.mixed == chat.session.document.mixed


def test_a_text_without_turns_is_no_chat(chat: ChatDriver) -> None:
    window = chat.opened.window
    window.show_page("play")
    window.session.edit(0, 0, "Once upon a time")
    assert not window.commands.run("document.chat")
    assert window.commands.reason("document.chat") == "The document has no turns of a chat."


def test_whole_oldest_turns_are_left_out_and_shown_as_such(chat: ChatDriver) -> None:
    for number in range(4):
        chat.write(f"This is message number {number} of them.")
    watch = chat.page.watch
    chat.qtbot.waitUntil(lambda: watch.prompt is not None and bool(watch.prompt.left_out))
    assert "left out" in chat.cards[0].remarks.text()
    assert "left out" not in chat.cards[-1].remarks.text()
    assert "oldest turn" in chat.view.panel.meter.text()
    chat.press(0, Qt.Key.Key_P)
    chat.qtbot.waitUntil(lambda: watch.prompt is not None and 0 not in watch.prompt.left_out)
    assert "message number 0" in watch.prompt.mixed.text


def test_new_chats_are_kept_apart_and_a_deleted_one_comes_back(chat: ChatDriver) -> None:
    chat.write("Hello")
    first = chat.session.document.id
    chat.run("chat.new")
    assert chat.turns == []
    chat.write("Good evening")
    assert {entry.id for entry in chat.page.chats.entries(9)} == {first, chat.session.document.id}
    chat.run("chat.delete")
    assert [entry.id for entry in chat.page.chats.entries(9)] == [first]
    chat.page.chats.open(first)
    assert chat.turns[0].text == "Hello"


@pytest.mark.parametrize("suffix", [".json", ".md", ".jsonl"])
def test_a_chat_is_exported_and_imported(chat: ChatDriver, tmp_path: Path, suffix: str) -> None:
    chat.write("Hello *there*")
    turns = chat.turns
    file = tmp_path / f"chat{suffix}"
    chat.page.files.export(file)
    chat.run("chat.new")
    chat.page.files.read(file)
    chat.qtbot.waitUntil(lambda: bool(chat.turns))
    assert [(turn.role, turn.text.strip()) for turn in chat.turns] == [(turn.role, turn.text.strip()) for turn in turns]


def test_a_file_without_a_chat_is_a_sentence(chat: ChatDriver, tmp_path: Path) -> None:
    (tmp_path / "chat.json").write_text("[]", encoding="utf-8")
    chat.page.files.read(tmp_path / "chat.json")
    chat.qtbot.waitUntil(lambda: "The file holds no chat" in chat.banner())
