"""The palette in the real window, by the keyboard alone, and how it ranks commands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gptdesk.ui.window.commands.palette import CommandPalette
from gptdesk.ui.window.commands.registry import Command
from gptdesk.ui.window.commands.search import Entry, rank

from .conftest import Opened

CONTROL = Qt.KeyboardModifier.ControlModifier
ENTRIES = [
    Entry("document.new", "New document", "Begin a new document"),
    Entry("run.new", "New run", "Put a training run together"),
    Entry("text.generate", "Generate", "Continue the text with the model"),
    Entry("text.regenerate", "Regenerate", "Write the last part again"),
    Entry("theme.dark", "Theme: Dark", "Light text on a dark background"),
    Entry("file.open", "Open text file", "Open a text file as a new document"),
]


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("gen", "text.generate"),
        ("GEN", "text.generate"),
        ("reg", "text.regenerate"),
        ("nd", "document.new"),
        ("nr", "run.new"),
        ("dark", "theme.dark"),
        ("file open", "file.open"),
        ("genrate", "text.generate"),
        ("continue", "text.generate"),
    ],
)
def test_letters_words_initials_and_slips_find_a_command(typed: str, first: str) -> None:
    assert rank(ENTRIES, typed, ())[0] == first


def test_recent_commands_come_first_when_nothing_is_typed() -> None:
    assert rank(ENTRIES, "", ("theme.dark", "gone", "run.new"))[:2] == ["theme.dark", "run.new"]
    assert rank(ENTRIES, "", ()) == [entry.id for entry in ENTRIES]


def test_what_matches_nothing_finds_nothing() -> None:
    assert rank(ENTRIES, "qqqqzzzz", ("run.new",)) == []


@given(st.text(max_size=30))
def test_any_typed_text_gives_each_command_once_at_most(typed: str) -> None:
    found = rank(ENTRIES, typed, ("run.new",))
    assert len(found) == len(set(found))


@pytest.fixture
def palette(opened: Opened, qtbot: QtBot) -> CommandPalette:
    """Opened with its key, from the text."""
    opened.window.playground.editor.setFocus()
    QTest.keyClick(opened.window.playground.editor, Qt.Key.Key_K, CONTROL)
    palette = opened.window.tools.palette
    assert palette is not None
    assert palette.isVisible()
    assert palette.field.hasFocus()
    return palette


def type_keys(palette: CommandPalette, text: str) -> list[str]:
    QTest.keyClicks(palette.field, text)
    return [palette.list.item(row).text() for row in range(palette.list.count())]


def test_three_letters_and_enter_run_a_command(palette: CommandPalette, opened: Opened) -> None:
    assert type_keys(palette, "dar")[0] == "Theme: Dark"
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    assert opened.services.settings.value.theme == "dark"
    assert palette.isHidden()
    assert QApplication.focusWidget() is opened.window.playground.editor


def test_the_palette_does_not_list_itself(palette: CommandPalette) -> None:
    listed = [palette.list.item(row).text() for row in range(palette.list.count())]
    assert "Settings" in listed
    assert "Command palette" not in listed


def test_the_text_keeps_what_stands_behind_the_cursor_when_ctrl_k_opens_the_palette(
    opened: Opened, qtbot: QtBot
) -> None:
    editor = opened.window.playground.editor
    QTest.keyClicks(editor, "on and on")
    QTest.keyClick(editor, Qt.Key.Key_Home)
    QTest.keyClick(editor, Qt.Key.Key_K, CONTROL)
    assert opened.window.session.document.text == "on and on"
    assert opened.window.tools.palette is not None


def test_a_command_that_is_not_possible_says_why_and_does_not_run(palette: CommandPalette, opened: Opened) -> None:
    ran: list[str] = []
    opened.window.commands.add(
        Command(
            id="test.impossible",
            title="Wobble",
            description="Wobbles",
            run=lambda: ran.append("wobble"),
            is_possible=lambda: "There is nothing to wobble.",
        )
    )
    assert type_keys(palette, "wob")[0] == "Wobble"
    spoken = palette.list.item(0).data(Qt.ItemDataRole.AccessibleTextRole)
    assert "not possible: There is nothing to wobble." in spoken
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    assert ran == []
    assert palette.isVisible()


def test_esc_closes_it_and_gives_the_focus_back(palette: CommandPalette, opened: Opened) -> None:
    QTest.keyClick(palette.field, Qt.Key.Key_Escape)
    assert palette.isHidden()
    assert QApplication.focusWidget() is opened.window.playground.editor


def test_arrows_choose_and_the_keys_of_the_window_rest(palette: CommandPalette, opened: Opened) -> None:
    QTest.keyClick(palette.field, Qt.Key.Key_Down)
    assert palette.list.currentRow() == 1
    for _ in range(2):
        QTest.keyClick(palette.field, Qt.Key.Key_Up)
    assert palette.list.currentRow() == palette.list.count() - 1
    QTest.keyClick(palette.field, Qt.Key.Key_2, CONTROL)
    assert opened.window.current_page == "play"


def test_it_closes_when_the_focus_goes_elsewhere(palette: CommandPalette, opened: Opened) -> None:
    opened.window.playground.editor.setFocus()
    assert palette.isHidden()


def test_what_ran_last_is_on_top_the_next_time(palette: CommandPalette, opened: Opened) -> None:
    type_keys(palette, "larger text")
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    opened.window.tools.open_palette()
    assert palette.list.item(0).text() == "Text size: Larger"
    palette.close_and_return()


def test_it_fits_into_the_smallest_window(palette: CommandPalette, opened: Opened) -> None:
    opened.window.resize(opened.window.minimumSize())
    QApplication.processEvents()
    assert opened.window.rect().contains(palette.geometry())
