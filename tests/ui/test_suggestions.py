"""Suggestions while typing, with a real model: shown, taken, changed, and never a part of the text before."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gptdesk.inference.events import Alternative, TokenEvent
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.ui.playground.suggestions.suggestion import Suggestion, in_one_line
from gptdesk.ui.playground.suggestions.suggestions import Suggestions

from .conftest import Opened

PROMPT = "Once upon a time"
GREEDY = DecodingSettings(temperature=0, max_tokens=12)


@pytest.fixture
def typing(opened: Opened, qtbot: QtBot) -> Suggestions:
    """Suggestions of a window with the focus in the text, once one is shown."""
    opened.services.settings.update(suggestions=True, decoding=DecodingSettings(temperature=1.5, seed=1))
    opened.window.activateWindow()
    opened.window.playground.editor.setFocus()
    qtbot.waitUntil(opened.window.playground.editor.hasFocus)
    QTest.keyClicks(opened.window.playground.editor, PROMPT)
    suggestions: Suggestions = opened.window.playground.suggestions
    qtbot.waitUntil(lambda: suggestions.shown is not None)
    return suggestions


def press(opened: Opened, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(opened.window.playground.editor, key, modifier)


def completion(opened: Opened, qtbot: QtBot, settings: DecodingSettings) -> str:
    """What a completion of the text gives, which is taken back."""
    opened.services.settings.update(suggestions=False, decoding=settings)
    before = opened.window.session.document.text
    opened.window.commands.run("text.generate")
    qtbot.waitUntil(lambda: not opened.window.session.busy)
    text = opened.window.session.document.text
    opened.window.playground.undo.trigger()
    return str(text[len(before) :])


def event(text: str, id: int = 1) -> TokenEvent:
    return TokenEvent(0, id, text, len(text), -1.0, 2.0, (Alternative(id, text, -1.0),))


def test_it_is_shown_but_is_no_part_of_the_text(typing: Suggestions, opened: Opened, qtbot: QtBot) -> None:
    editor = opened.window.playground.editor
    shown = typing.ghost.text
    assert shown
    assert editor.toPlainText() == opened.window.session.document.text == PROMPT
    assert f"Suggestion, which Tab takes: {shown}" in editor.accessibleDescription()
    editor.selectAll()
    editor.copy()
    assert QApplication.clipboard().text() == PROMPT
    assert typing.shown is None, "something is selected"


def test_tab_takes_the_greedy_continuation_as_a_generation(typing: Suggestions, opened: Opened, qtbot: QtBot) -> None:
    shown = typing.ghost.text
    press(opened, Qt.Key.Key_Tab)
    typed, generated = opened.window.session.document.runs
    assert (typed.text, generated.text) == (PROMPT, shown)
    assert generated.origin.settings.temperature == 0
    assert generated.origin.model == opened.services.inference.info.model
    assert all(len(token.top) == 10 and token.entropy for token in generated.tokens)
    assert opened.window.playground.editor.hasFocus()
    opened.window.playground.undo.trigger()
    assert opened.window.session.document.text == PROMPT
    assert completion(opened, qtbot, GREEDY).startswith(shown)


def test_control_right_takes_a_word_and_the_rest_stays(typing: Suggestions, opened: Opened) -> None:
    shown = typing.shown
    assert shown is not None
    word, rest = shown.first_word()
    press(opened, Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier)
    assert opened.window.session.document.text == PROMPT + word.text
    assert typing.ghost.text == rest.text
    assert not opened.window.session.busy


def test_where_documents_can_only_be_read_none_is_taken_and_the_sentence_says_why(
    typing: Suggestions, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opened.services.storage, "read_only", "These documents cannot be changed.")
    press(opened, Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier)
    assert opened.window.session.document.text == opened.window.playground.editor.toPlainText() == PROMPT
    assert typing.shown is None
    assert "These documents cannot be changed." in [each.text for each in opened.services.messages.banners.values()]


def test_escape_shows_others_and_then_none(typing: Suggestions, opened: Opened, qtbot: QtBot) -> None:
    shown = [typing.shown]
    for _ in range(2):
        press(opened, Qt.Key.Key_Escape)
        qtbot.waitUntil(lambda: typing.shown is not shown[-1])
        assert typing.shown is not None
        shown.append(typing.shown)
    firsts = [one.events[0] for one in shown if one is not None]
    assert [first.id for first in firsts] == [other.id for other in firsts[0].top[:3]]
    press(opened, Qt.Key.Key_Escape)
    assert typing.shown is None
    assert opened.window.session.document.text == PROMPT


@pytest.mark.parametrize(
    "change",
    [
        lambda opened: press(opened, Qt.Key.Key_A),
        lambda opened: press(opened, Qt.Key.Key_Left),
        lambda opened: opened.services.settings.update(suggestions=False),
        lambda opened: opened.services.inference.unload(),
        lambda opened: opened.window.commands.run("text.generate"),
        lambda opened: opened.window.documents.new(),
    ],
    ids=["key", "caret", "setting", "no model", "generation", "document"],
)
def test_any_change_takes_it_away(typing: Suggestions, opened: Opened, change: Callable[[Opened], object]) -> None:
    change(opened)
    assert typing.shown is None
    assert typing.ghost.text == ""
    assert "Suggestion" not in opened.window.playground.editor.accessibleDescription()


def test_it_comes_back_with_the_focus(typing: Suggestions, opened: Opened, qtbot: QtBot) -> None:
    opened.window.playground.panel.setFocus()
    opened.window.playground.bar.generate.setFocus()
    assert not opened.window.playground.editor.hasFocus()
    assert typing.ghost.text == ""
    opened.window.playground.editor.setFocus()
    qtbot.waitUntil(lambda: typing.shown is not None)


def test_what_is_typed_while_the_model_is_loaded_gets_one_too(open_window: Callable[..., Opened], qtbot: QtBot) -> None:
    opened = open_window()
    opened.services.settings.update(suggestions=True)
    opened.window.activateWindow()
    opened.window.playground.editor.setFocus()
    qtbot.waitUntil(opened.window.playground.editor.hasFocus)
    opened.window.session.edit(0, 0, PROMPT)
    opened.window.playground.editor.show_end()
    opened.window.playground.suggestions._pause.flush()
    assert opened.services.inference.info is None
    qtbot.waitUntil(lambda: opened.window.playground.suggestions.shown is not None)


def test_it_is_off_until_somebody_wants_it(opened: Opened, qtbot: QtBot) -> None:
    opened.window.playground.editor.setFocus()
    QTest.keyClicks(opened.window.playground.editor, PROMPT)
    suggestions: Suggestions = opened.window.playground.suggestions
    assert not suggestions._pause.pending
    assert opened.window.commands.action("text.suggestions").isChecked() is False
    opened.window.commands.run("text.suggestions")
    assert opened.services.settings.value.suggestions


def test_a_word_ends_before_the_next_space_and_a_line_end_is_not_passed() -> None:
    suggestion = Suggestion(tuple(map(event, (" win", "ter", " night", "."))), GREEDY)
    word, rest = suggestion.first_word()
    assert (word.text, rest.text) == (" winter", " night.")
    assert [each.text for each in rest.first_word()] == [" night.", ""]
    letters = Suggestion(tuple(map(event, " ab c")), GREEDY)
    assert letters.first_word()[0].text == " ab"
    lines = [event("a"), event(".\n"), event("b")]
    assert [one.text for one in in_one_line(lines)] == ["a"]
    assert [one.text for one in in_one_line(lines[1:])] == [".\n"]
