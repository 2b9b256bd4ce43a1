"""The editor is a view: its text and the document's are one, whatever keys are pressed."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QMimeData, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QInputMethodEvent, QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gptdesk.ui.playground.editing import view_text
from gptdesk.ui.theme import Theme

from .editor_view import Drop, View
from .editor_view import view as view  # a fixture


def press(view: View, keys: str) -> None:
    QTest.keyClicks(view.editor, keys)


@pytest.mark.parametrize("longest", [10_000, 12], ids=["unbroken", "broken"])
@pytest.mark.parametrize("seed", range(6))
def test_any_keys_leave_text_and_document_the_same(
    view: View, seed: int, longest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view_text, "LONGEST_PARAGRAPH", longest)
    monkeypatch.setattr(view_text, "_SOON", longest // 3)
    rng = random.Random(seed)
    shift, control = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
    moves = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Home, Qt.Key.Key_End)

    def paste(text: str) -> None:
        data = QMimeData()
        data.setText(text)
        view.editor.insertFromMimeData(data)

    actions: list[Callable[[], object]] = [
        lambda: press(view, rng.choice(["a", "Bc ", "word", " "])),
        lambda: QTest.keyClick(view.editor, Qt.Key.Key_Return, rng.choice([shift, Qt.KeyboardModifier.NoModifier])),
        lambda: QTest.keyClick(
            view.editor, Qt.Key.Key_Backspace, rng.choice([control, Qt.KeyboardModifier.NoModifier])
        ),
        lambda: QTest.keyClick(view.editor, Qt.Key.Key_Delete),
        lambda: QTest.keyClick(view.editor, rng.choice(moves), rng.choice([shift, control, shift | control])),
        lambda: paste(
            rng.choice(
                ["pasted", "x" * 50, "long words " * 9, "two\r\nlines", "smile 😀 and é", "x\u2028y\u2029z", "𝔘\n\n𝔙"]
            )
        ),
        lambda: view.generate(rng.choice([" wrote", " a\n\nb", "😀", " 漢字"])),
        lambda: QTest.keyClick(view.editor, Qt.Key.Key_Z, control),
        lambda: QTest.keyClick(view.editor, Qt.Key.Key_Z, control | shift),
        lambda: (view.editor.selectAll(), press(view, "n")) if rng.random() < 0.1 else None,
        lambda: view.editor.cut(),
        lambda: view.editor.paste(),
    ]
    for _ in range(250):
        rng.choice(actions)()
        view.check()


def test_typing_inside_generated_words_makes_them_typed(view: View) -> None:
    press(view, "Once")
    view.generate(" upon")
    view.select(6, 6)
    press(view, "x")
    assert [(run.text, run.generated) for run in view.document.runs] == [("Once uxpon", False)]


def test_undo_and_redo_reach_the_document(view: View) -> None:
    press(view, "one two")
    QTest.keyClick(view.editor, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert view.document.text == "one "
    QTest.keyClick(view.editor, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert view.document.text == "one two"
    view.check()


def test_what_is_copied_is_plain_text_of_the_document(view: View) -> None:
    text = "word " * 5000
    view.editor.replace_selection(text)
    view.editor.selectAll()
    view.editor.copy()
    data = QGuiApplication.clipboard().mimeData()
    assert data.text() == text
    assert not data.hasHtml()


def test_rich_text_is_pasted_as_plain(view: View) -> None:
    data = QMimeData()
    data.setHtml("<b>bold</b>")
    data.setText("bold")
    view.editor.insertFromMimeData(data)
    assert view.document.text == "bold"
    assert "font-weight:700" not in view.editor.toHtml()


def test_text_is_moved_by_dragging(view: View) -> None:
    press(view, "one two")
    view.select(0, 4)
    data = view.editor.createMimeDataFromSelection()
    end = view.editor.cursorRect(_at_end(view)).center()
    actions, buttons = Qt.DropAction.MoveAction, Qt.MouseButton.LeftButton
    event = Drop(view.editor, QPointF(end), actions, data, buttons, Qt.KeyboardModifier.NoModifier)
    event.setDropAction(Qt.DropAction.MoveAction)
    view.editor.dropEvent(event)
    assert view.document.text == "twoone "
    view.check()


def _at_end(view: View) -> QTextCursor:
    cursor = QTextCursor(view.editor.document())
    cursor.movePosition(QTextCursor.MoveOperation.End)
    return cursor


def test_composing_a_character_is_told_before_it_is_there(view: View, qtbot: QtBot) -> None:
    with qtbot.waitSignal(view.editor.touched):
        QApplication.sendEvent(view.editor, QInputMethodEvent("に", []))
    view.check()
    assert view.document.text == ""
    commit = QInputMethodEvent("", [])
    commit.setCommitString("日本")
    QApplication.sendEvent(view.editor, commit)
    assert view.document.text == "日本"
    view.check()


def test_who_reads_the_end_keeps_seeing_it_and_who_reads_elsewhere_is_left_there(view: View) -> None:
    view.editor.replace_selection("line\n" * 100)
    bar = view.editor.verticalScrollBar()
    view.editor.show_end()
    view.generate("more\n" * 20)
    assert bar.value() == bar.maximum()
    bar.setValue(100)
    view.generate("more\n" * 20)
    assert bar.value() == 100


def test_a_long_paragraph_is_broken_for_the_widget_alone(view: View) -> None:
    text = "word " * 10_000
    view.editor.replace_selection(text)
    assert view.document.text == text
    longest = max(len(block) for block in view.editor.toPlainText().split("\n"))
    assert longest <= view_text.LONGEST_PARAGRAPH + 5
    view.generate("and " * 10_000)
    view.check()
    view.select(len(text) // 2, len(text))
    press(view, "x")
    view.check()


def test_a_million_characters_can_be_pasted_and_edited(view: View) -> None:
    view.editor.replace_selection("The sea was calm. " * 56_000)
    press(view, "x")
    view.editor.replace_selection("é" * 1_000_000)
    press(view, "y")
    view.check()


def test_many_short_lines_are_few_paragraphs_of_the_widget(view: View) -> None:
    """Each paragraph behind a letter that changes is walked through, so there must not be ten thousand."""
    text = "a short line\n" * 15_000
    view.editor.replace_selection(text)
    assert view.editor.document().blockCount() <= len(text) / 900
    assert max(len(block) for block in view.editor.document().toRawText().split("\u2029")) <= 1000
    assert view.document.text == text
    view.check()
    view.select(5, 30)
    press(view, "x")
    QTest.keyClick(view.editor, Qt.Key.Key_Return)
    view.check()
    assert view.document.text.startswith("a shox\nort line\na short")
    view.editor.selectAll()
    view.editor.copy()
    assert QGuiApplication.clipboard().text() == view.document.text


def test_three_clicks_select_a_line_of_such_a_paragraph(view: View) -> None:
    view.editor.replace_selection("a short line\n" * 1000)
    view.editor.show_place(0)
    place = view.editor.cursorRect(_cursor_at(view, 30)).center()
    viewport, button = view.editor.viewport(), Qt.MouseButton.LeftButton
    QTest.mouseClick(viewport, button, pos=place)
    QTest.mouseDClick(viewport, button, pos=place)
    QTest.mouseClick(viewport, button, pos=place)
    assert view.editor.textCursor().selectedText() == "a short line"


def test_a_letter_at_the_head_touches_only_its_own_paragraph(view: View) -> None:
    view.editor.replace_selection("word " * 40_000)
    layouts = []
    block = view.editor.document().begin().next()
    while block.isValid():
        layouts.append((block, block.revision(), block.layout().lineCount()))
        block = block.next()
    view.select(0, 0)
    press(view, "x")
    assert layouts
    assert all(block.revision() == revision for block, revision, _ in layouts)
    assert len(view.editor.document().begin().text()) <= view_text.LONGEST_PARAGRAPH + 1000


def test_the_last_line_keeps_its_distance_from_what_is_below(view: View) -> None:
    view.editor.replace_selection("line\n" * 100)
    view.editor.show_place(0)
    QTest.keyClick(view.editor, Qt.Key.Key_End, Qt.KeyboardModifier.ControlModifier)
    bar = view.editor.verticalScrollBar()
    assert bar.value() == bar.maximum()
    assert view.editor.viewport().height() - view.editor.cursorRect().bottom() >= 30


def test_typing_at_the_head_of_a_text_that_fills_the_view_stays_there(view: View) -> None:
    view.editor.replace_selection("line\n" * 9)
    view.editor.show_place(0)
    for _ in range(20):
        press(view, "x")
        QTest.keyClick(view.editor, Qt.Key.Key_Return)
        assert view.editor.viewport().rect().contains(view.editor.cursorRect().center())


def test_zooming_keeps_the_text_and_its_lines(view: View) -> None:
    view.editor.replace_selection("one\ntwo")
    view.editor.set_text_size(30)
    view.check()
    assert view.editor.document().firstBlock().blockFormat().lineHeight() == round(30 * 1.75)
    assert view.editor.document().lastBlock().blockFormat().lineHeight() == round(30 * 1.75)


def test_generated_text_is_marked_by_more_than_its_colour(view: View, theme: Theme) -> None:
    press(view, "mm")
    view.generate("mm")
    view.editor.clearFocus()
    view.editor.moveCursor(QTextCursor.MoveOperation.Start)
    image = view.editor.viewport().grab().toImage()
    colours = {image.pixelColor(x, y).name().upper() for x in range(image.width()) for y in range(120)}
    assert theme.colours.wash in colours
    columns = [
        x
        for x in range(image.width())
        if any(_is(image.pixelColor(x, y).name(), theme.colours.wash) for y in range(120))
    ]
    typed_end = view.editor.cursorRect(_cursor_at(view, 2)).x()
    assert min(columns) >= typed_end - 1


def _is(colour: str, wanted: str) -> bool:
    return colour.upper() == wanted


def _cursor_at(view: View, position: int) -> QTextCursor:
    cursor = QTextCursor(view.editor.document())
    cursor.setPosition(position)
    return cursor


def test_the_column_is_centered_and_never_too_wide(view: View) -> None:
    for width in (500, 900, 2500):
        view.editor.resize(width, 400)
        column = view.editor.column()
        assert column.width() <= 18 * 42
        assert abs(column.left() - (width - column.right() - 1)) <= 1


@given(old=st.text("ab\n😀", max_size=30), new=st.text("ab\n😀", max_size=30))
def test_difference_turns_one_text_into_the_other(old: str, new: str) -> None:
    start, old_end, new_end = view_text.difference(old, new)
    assert old[:start] + new[start:new_end] + old[old_end:] == new
    assert start <= old_end
    assert start <= new_end


@given(text=st.text("ab\n 😀"), position=st.integers(0, 30))
def test_positions_count_in_qts_units(text: str, position: int) -> None:
    index = min(position, len(text))
    assert view_text.index(text, view_text.units(text[:index])) == index


@given(
    words=st.lists(st.integers(1, 40_000), min_size=1, max_size=30),
    separator=st.sampled_from([" ", "\n"]),
    column=st.integers(0, 20_000),
)
def test_soft_breaks_stand_for_spaces_alone(words: list[int], separator: str, column: int) -> None:
    text = separator.join("x" * word for word in words)
    pieces = view_text.softened(text, column)
    assert "".join(pieces).replace("\u2029", " ") == text
    paragraphs = "\n".join(pieces).replace("\u2029", "\n").split("\n")
    assert all(len(paragraph) <= view_text.LONGEST_PARAGRAPH + 1000 for paragraph in paragraphs)


def bars(view: View, theme: Theme) -> tuple[int, int]:
    """Pixels of the accent bar in the margin, and of the tint, in a picture of the text."""
    image = view.editor.viewport().grab().toImage()
    column = [image.pixelColor(x, y).name() for x in range(60) for y in range(image.height())]
    tint = [image.pixelColor(x, y).name() for x in range(60, 400, 3) for y in range(0, image.height(), 3)]
    return column.count(theme.colours.accent.lower()), tint.count(theme.colours.wash.lower())


def test_the_newest_generation_is_tinted_and_older_ones_have_a_thin_bar(view: View, theme: Theme) -> None:
    press(view, "Once")
    view.generate(" upon a time there was a")
    newest = bars(view, theme)
    assert newest[0] > 0
    assert newest[1] > 0
    view.edit(len(view.document.text), len(view.document.text), "\n" * 6, False)
    view.generate("king")
    image = view.editor.viewport().grab().toImage()
    rows = [
        "".join("#" if image.pixelColor(x, y).name() == theme.colours.accent.lower() else " " for x in range(60))
        for y in range(image.height())
    ]
    assert "#" not in "".join(rows[: image.height() // 2])  # the older one has a bar of another colour
    assert "###" in "".join(rows[image.height() // 2 :])


def test_marks_can_be_switched_off(view: View, theme: Theme) -> None:
    press(view, "Once")
    view.generate(" upon a time there was a")
    view.editor.show_marks(False)
    assert bars(view, theme) == (0, 0)
