"""Find and replace in the text: what matches, what is shown, and one step to undo a replacement."""

from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from gptdesk.errors import UserError
from gptdesk.store.document import Document
from gptdesk.store.runs import Origin, Token
from gptdesk.ui.playground.find.find_bar import FindBar
from gptdesk.ui.playground.find.matching import Match, Sought, find_matches, replacement

from .conftest import Opened

KEY = Qt.Key
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def spans(text: str, sought: Sought) -> list[tuple[int, int]]:
    return [(match.start, match.end) for match in find_matches(sought, text)]


@pytest.mark.parametrize(
    ("words", "how", "expected"),
    [
        ("the", {}, [(0, 3), (8, 11), (15, 18)]),
        ("the", {"case": True}, [(8, 11), (15, 18)]),
        ("the", {"words": True}, [(0, 3), (8, 11)]),
        ("t.e", {}, []),
        ("t.e", {"expression": True}, [(0, 3), (8, 11), (15, 18)]),
        ("^.", {"expression": True}, [(0, 1), (12, 13), (15, 16)]),
        ("x*", {"expression": True}, []),
        ("", {}, []),
    ],
)
def test_what_matches(words: str, how: dict[str, bool], expected: list[tuple[int, int]]) -> None:
    assert spans("The cat the\nto\nthere", Sought(words, **how)) == expected


def test_places_are_counted_in_characters_whatever_stands_before() -> None:
    assert spans("😀 ÄÖ 😀 äö", Sought("äö")) == [(2, 4), (7, 9)]


def test_tab_goes_from_what_is_searched_for_to_its_replacement(opened: Opened) -> None:
    opened.window.commands.run("text.replace")
    bar = opened.window.findChild(FindBar)
    assert bar.field.hasFocus()
    QTest.keyClick(bar.field, KEY.Key_Tab)
    assert bar.template.hasFocus()


@pytest.mark.parametrize("wrong", ["(", "[a", "a**", "(?<x", "\\"])
def test_a_wrong_expression_is_one_sentence(wrong: str) -> None:
    with pytest.raises(UserError, match=r"^The regular expression is wrong at character \d+: [^\n]+\.$"):
        find_matches(Sought(wrong, expression=True), "text")


def test_an_expression_that_would_take_for_ever_is_refused() -> None:
    with pytest.raises(UserError, match="too long"):
        find_matches(Sought("(x+x+)+[yz]", expression=True), "x" * 5_000)


def test_groups_stand_in_the_replacement_of_an_expression_alone() -> None:
    sought = Sought(r"(\w+) (\w+)?", expression=True)
    (match,) = find_matches(sought, "one two")
    assert replacement(sought, match, r"$2-\1\n$9\\") == "two-one\n\\"
    assert replacement(Sought("a"), Match(0, 1, ("a",)), r"$1\n") == r"$1\n"


def test_text_between_replacements_stays_generated_and_one_undo_restores_all() -> None:
    document = Document()
    document.replace(0, 0, "a b ")
    document.begin_generation(Origin(generation="g", model="tiny"))
    document.append_tokens("a cc a", [Token(n, 1, -0.5) for n in range(6)])
    document.end_generation("length", seed=1)
    before = document.runs
    document.replace_all([(0, 1, "xx"), (4, 5, ""), (9, 10, "yy")])
    assert document.text == "xx b  cc yy"
    assert [run.text for run in document.runs if run.generated] == [" cc "]
    assert [token.id for run in document.runs for token in run.tokens] == [1, 2, 3, 4]
    after = document.runs
    document.undo()
    assert document.runs == before
    document.redo()
    assert document.runs == after


@pytest.fixture
def text(opened: Opened) -> Any:
    """A window with a text."""
    opened.window.playground.editor.replace_selection("One fish, two fish,\nred Fish, blue fishes.")
    return opened.window


def selected(window: Any) -> str:
    start, end = window.playground.editor.selection
    return str(window.playground.editor.shown[start:end])


def test_the_text_is_searched_and_replaced_by_keyboard(text: Any) -> None:
    editor, bar = text.playground.editor, text.playground.find_replace.bar
    editor.show_place(0)
    geometry = editor.geometry()
    QTest.keyClick(text, KEY.Key_F, CONTROL)
    assert bar.isVisible()
    assert not bar.second.isVisible()
    QTest.keyClicks(bar.field, "fish")
    assert (bar.count.text(), editor.selection) == ("1 of 4", (4, 8))
    assert len(editor.extraSelections()) == 4
    QTest.keyClick(bar.field, KEY.Key_Return)
    QTest.keyClick(bar.field, KEY.Key_Return)
    assert (bar.count.text(), selected(text)) == ("3 of 4", "Fish")
    QTest.keyClick(bar.field, KEY.Key_Return, SHIFT)
    assert bar.count.text() == "2 of 4"
    bar.options["case"].click()
    bar.options["words"].click()
    assert bar.count.text() == "2 of 2"
    QTest.keyClick(text, KEY.Key_H, CONTROL)
    QTest.keyClicks(bar.template, "bird")
    QTest.keyClick(bar.template, KEY.Key_Return)
    assert text.session.document.text == "One fish, two bird,\nred Fish, blue fishes."
    assert (bar.count.text(), editor.selection) == ("1 of 1", (4, 8))
    assert editor.geometry() == geometry
    QTest.keyClick(bar.field, KEY.Key_Escape)
    assert not bar.isVisible()
    assert editor.hasFocus()
    assert selected(text) == "fish"
    assert editor.extraSelections() == []


def test_all_matches_are_replaced_in_one_step(text: Any) -> None:
    before = text.session.document.text
    text.commands.run("text.replace")
    bar = text.playground.find_replace.bar
    bar.options["expression"].click()
    bar.field.setText(r"(\w+) (fish)\b")
    bar.template.setText("$2 $1")
    bar.replace_all.click()
    assert text.session.document.text == "fish One, fish two,\nFish red, blue fishes."
    assert text.toasts.cards[-1].message.text.startswith("3 matches")
    text.session.undo()
    assert text.session.document.text == before
    bar.field.setText("(")
    assert "wrong at character" in bar.problem.text()
    assert not bar.replace_all.isEnabled()


def test_matches_follow_the_text_and_the_document(text: Any, qtbot: Any) -> None:
    text.commands.run("text.find")
    bar = text.playground.find_replace.bar
    bar.field.setText("blue")
    assert bar.count.text() == "1 of 1"
    text.session.edit(0, 0, "blue ")
    qtbot.waitUntil(lambda: bar.count.text() == "2 of 2")
    text.documents.new()
    qtbot.waitUntil(lambda: bar.count.text() == "No match")
    assert text.playground.editor.extraSelections() == []
