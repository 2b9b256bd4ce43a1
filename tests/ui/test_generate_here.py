"""Generating before the end of the text: where the caret is, and only where the person has put it."""

from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gptdesk.inference.sampling.settings import DecodingSettings

from .conftest import Opened

TEXT = "Once upon a time there was a fox. It lived in a den."
KEPT = "Once upon a time there was a fox."
CONTROL = Qt.KeyboardModifier.ControlModifier


def set_text(opened: Opened, text: str = TEXT) -> None:
    opened.services.settings.update(decoding=DecodingSettings(max_tokens=6, seed=1))
    opened.window.session.edit(0, len(opened.window.session.document.text), text)


def put_caret(opened: Opened, index: int) -> None:
    """Clicks before a character."""
    editor = opened.window.playground.editor
    cursor = editor.textCursor()
    cursor.setPosition(editor.places.position(index))
    QTest.mouseClick(editor.viewport(), Qt.MouseButton.LeftButton, pos=editor.cursorRect(cursor).center())
    assert editor.textCursor().position() == index


def generate(opened: Opened, qtbot: QtBot, key: Qt.KeyboardModifier = CONTROL) -> str:
    QTest.keyClick(opened.window.playground.editor, Qt.Key.Key_Return, key)
    assert opened.window.session.busy
    qtbot.waitUntil(lambda: not opened.window.session.busy)
    return str(opened.window.session.document.text)


def test_where_the_person_clicked_it_writes_and_one_undo_brings_back_what_stood_there(
    opened: Opened, qtbot: QtBot
) -> None:
    set_text(opened)
    assert "here" not in opened.window.playground.bar.generate.text()
    put_caret(opened, len(KEPT))
    assert opened.window.playground.bar.generate.text().startswith("Generate here")
    text = generate(opened, qtbot)
    assert text.startswith(KEPT)
    typed, generated = opened.window.session.document.runs
    assert (typed.text, len(generated.tokens)) == (KEPT, 6)
    assert opened.window.playground.editor.is_at_end
    assert "here" not in opened.window.playground.bar.generate.text()
    assert TEXT[len(KEPT) :] in [node.run.text for node in opened.window.session.document.snapshot().nodes.values()]
    assert opened.window.toasts.texts == ["What stood behind the caret stays as another branch of the document."]
    (toast,) = opened.window.toasts.cards
    assert toast.message.holds()
    opened.window.playground.undo.trigger()
    assert opened.window.session.document.text == TEXT
    assert not toast.message.holds()
    opened.window.playground.redo.trigger()
    assert opened.window.session.document.text == text


def test_it_is_what_a_text_that_ended_there_would_be_continued_with(opened: Opened, qtbot: QtBot) -> None:
    set_text(opened, KEPT)
    opened.window.playground.editor.show_end()
    text = generate(opened, qtbot)
    set_text(opened)
    put_caret(opened, len(KEPT))
    assert generate(opened, qtbot) == text


def test_the_toast_undoes_it_while_it_writes(opened: Opened, qtbot: QtBot) -> None:
    set_text(opened)
    opened.services.settings.update(decoding=DecodingSettings(max_tokens=100_000, seed=1))
    put_caret(opened, len(KEPT))
    QTest.keyClick(opened.window.playground.editor, Qt.Key.Key_Return, CONTROL)
    qtbot.waitUntil(lambda: bool(opened.window.toasts.texts))
    (card,) = opened.window.toasts.cards
    card.message.offers[0][1]()
    qtbot.waitUntil(lambda: not opened.window.session.busy)
    assert opened.window.session.document.text == TEXT


def test_the_toast_undoes_it_before_the_first_token_too(opened: Opened, qtbot: QtBot) -> None:
    set_text(opened)
    put_caret(opened, len(KEPT))
    session, editor = opened.window.session, opened.window.playground.editor
    session.left_behind.connect(
        lambda _: QTimer.singleShot(0, session, lambda: opened.window.toasts.cards[0].message.offers[0][1]())
    )
    generate(opened, qtbot)
    assert session.document.text == editor.shown == TEXT


def test_a_selection_is_written_anew(opened: Opened, qtbot: QtBot) -> None:
    set_text(opened)
    put_caret(opened, len(KEPT))
    for _ in range(len(" a fox.")):
        QTest.keyClick(opened.window.playground.editor, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert generate(opened, qtbot).startswith("Once upon a time there was")
    assert opened.window.session.document.runs[0].text == "Once upon a time there was"


def test_a_caret_that_the_program_moved_leaves_the_text_whole(opened: Opened, qtbot: QtBot) -> None:
    set_text(opened)
    opened.window.playground.editor.show_place(len(KEPT))
    assert generate(opened, qtbot).startswith(TEXT)
    opened.window.playground.undo.trigger()
    opened.window.playground.editor.show_place(len(KEPT))
    assert generate(opened, qtbot, Qt.KeyboardModifier.AltModifier).startswith(KEPT)
    assert opened.window.session.document.runs[0].text == KEPT


def test_a_caret_out_of_view_leaves_the_text_whole(opened: Opened, qtbot: QtBot) -> None:
    text = "A line of the text.\n" * 200 + "The end."
    set_text(opened, text)
    editor = opened.window.playground.editor
    editor.show_place(0)
    put_caret(opened, 3)
    assert opened.window.playground.place.start == 3
    editor.verticalScrollBar().setValue(editor.verticalScrollBar().maximum() // 2)
    assert opened.window.playground.place.start is None
    assert generate(opened, qtbot).startswith(text)


def test_at_the_beginning_before_blanks_or_with_all_selected_it_goes_on_at_the_end(opened: Opened) -> None:
    set_text(opened, f"{TEXT}  \n")
    place, editor = opened.window.playground.place, opened.window.playground.editor
    put_caret(opened, len(TEXT))
    assert place.start is None
    put_caret(opened, 0)
    assert place.start is None
    QTest.keyClick(editor, Qt.Key.Key_A, CONTROL)
    assert place.start is None
    put_caret(opened, len(TEXT) - 1)
    assert place.start == len(TEXT) - 1
