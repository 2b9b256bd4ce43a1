"""The list of documents beside the text: every document is found, and everything is done by keyboard."""

from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from gptdesk.store.catalog.entry import DocumentSummary
from gptdesk.ui.playground.documents.list_model import ROW
from gptdesk.ui.playground.documents.listing import ORDERS, Order, Query, arrange
from gptdesk.ui.playground.documents.pane import DocumentPane
from gptdesk.ui.playground.documents.row_delegate import parse_snippet
from gptdesk.ui.playground.documents.tag_dialog import TagDialog
from gptdesk.ui.widgets.question import Question

from .conftest import Opened

KEY = Qt.Key
NONE, CONTROL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier


class Pane:
    """The pane of a window, and what tests ask it."""

    def __init__(self, opened: Opened, qtbot: QtBot) -> None:
        self.opened, self.qtbot = opened, qtbot
        self.window = opened.window

    @property
    def widget(self) -> DocumentPane:
        pane: DocumentPane = self.window.playground.documents.pane
        return pane

    def write(self, *texts: str) -> list[str]:
        """Makes a document of each text and returns their ids; the last stays open."""
        ids = []
        for text in texts:
            self.window.documents.new()
            self.window.playground.editor.replace_selection(text)
            ids.append(self.window.session.document.id)
        self.window.session.flush()
        return ids

    def open(self) -> None:
        self.window.commands.run("document.list")
        self.settle()

    def type(self, words: str) -> None:
        self.widget.field.selectAll()
        QTest.keyClicks(self.widget.field, words)
        self.settle()

    def press(self, key: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> None:
        press(self.widget.list, key, modifiers)
        self.settle()

    def settle(self) -> None:
        """Waits until the list shows what was asked for."""
        self.qtbot.waitUntil(lambda: not self.widget.search.busy)

    @property
    def titles(self) -> list[str]:
        return [row.entry.title for row in self.widget.model.rows]

    @property
    def selected(self) -> list[str]:
        return [entry.title for entry in self.widget.selected]

    def choose(self, title: str) -> None:
        self.widget.list.setFocus()
        selection, index = self.widget.list.selectionModel(), self.widget.model.index(self.titles.index(title))
        selection.setCurrentIndex(index, selection.SelectionFlag.ClearAndSelect)

    def run_in_menu(self, text: str) -> None:
        """Chooses an entry of the menu of the selected rows."""
        menu = self.widget.row_menu()
        next(action for action in menu.actions() if action.text() == text).trigger()
        menu.deleteLater()
        self.settle()


@pytest.fixture
def pane(opened: Opened, qtbot: QtBot) -> Pane:
    return Pane(opened, qtbot)


def press(widget: QWidget, key: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> None:
    QTest.keyClick(widget, key, modifiers)


def test_every_document_is_in_the_list_and_words_of_its_text_find_it(pane: Pane) -> None:
    first, *_ = pane.write("Once upon a time.\nThere was a dragon of seven.", *(f"Story {n}" for n in range(20)))
    pane.open()
    assert pane.titles == [*(f"Story {n}" for n in reversed(range(20))), "Once upon a time."]
    pane.type("seven DRAG")
    assert pane.titles == ["Once upon a time."]
    assert pane.widget.header.count.text() == "1 found"
    assert "dragon" in pane.widget.model.index(0).data(Qt.ItemDataRole.AccessibleTextRole)
    press(pane.widget.field, KEY.Key_Return)
    assert pane.window.session.document.id == first
    assert pane.window.playground.editor.shown.endswith("a dragon of seven.")


def test_titles_are_found_by_any_part_of_their_words(pane: Pane) -> None:
    pane.write("Einhörner", "Two")
    pane.open()
    pane.type("horn")
    assert pane.titles == ["Einhörner"]


def test_enter_that_comes_before_the_answer_opens_what_was_searched_for(pane: Pane) -> None:
    wanted, _ = pane.write("The lighthouse", "Another")
    pane.open()
    QTest.keyClicks(pane.widget.field, "lighthouse")
    press(pane.widget.field, KEY.Key_Return)
    pane.qtbot.waitUntil(lambda: pane.window.session.document.id == wanted)


def test_the_keys_of_the_search_field_move_clear_and_leave(pane: Pane) -> None:
    pane.write("One", "Two", "Three")
    pane.open()
    pane.type("nothing like it")
    assert pane.titles == []
    assert "nothing like it" in pane.widget.none.text()
    press(pane.widget.field, KEY.Key_Escape)
    pane.settle()
    assert pane.titles == ["Three", "Two", "One"]
    assert pane.selected == ["Three"]
    press(pane.widget.field, KEY.Key_Down)
    assert pane.selected == ["Two"]
    press(pane.widget.field, KEY.Key_Escape)
    assert pane.window.playground.editor.hasFocus()
    assert pane.widget.isVisible()
    press(pane.window, KEY.Key_O, CONTROL)
    assert pane.widget.field.hasFocus()
    press(pane.window, KEY.Key_O, CONTROL)
    assert not pane.widget.isVisible()
    assert pane.window.playground.editor.hasFocus()


def test_the_list_is_hidden_or_shown_after_a_restart_as_it_was(open_window: Any, qtbot: QtBot) -> None:
    first = open_window()
    assert not first.window.playground.documents.isVisible()
    first.window.commands.run("document.pane")
    first.services.settings.update(documents_order="title")
    first.close()
    second = open_window(None)
    assert second.window.playground.documents.isVisible()
    assert Pane(second, qtbot).widget.header.order.text() == "Title"
    second.window.commands.run("document.pane")
    assert not second.window.playground.documents.isVisible()


def rename(pane: Pane, title: str, new: str) -> None:
    pane.choose(title)
    press(pane.widget.list, KEY.Key_F2)
    (line,) = pane.widget.list.findChildren(QLineEdit)
    line.setText(new)
    press(line, KEY.Key_Return)
    pane.qtbot.waitUntil(lambda: title not in pane.titles and not pane.widget.list.findChildren(QLineEdit))


def test_a_title_is_edited_in_its_row(pane: Pane) -> None:
    pane.write("First", "Second")
    pane.open()
    rename(pane, "First", "The other")
    rename(pane, "Second", "Mine")
    assert set(pane.titles) == {"The other", "Mine"}
    assert pane.window.title.text() == "Mine"
    rename(pane, "The other", " ")
    assert set(pane.titles) == {"First", "Mine"}


def test_a_title_that_is_being_edited_stays_when_the_list_changes(pane: Pane) -> None:
    pane.write("First", "Second")
    pane.open()
    pane.choose("First")
    press(pane.widget.list, KEY.Key_F2)
    (line,) = pane.widget.list.findChildren(QLineEdit)
    line.setText("The other")
    pane.window.session.edit(0, 0, "The ")
    pane.window.documents.changed.emit()
    pane.settle()
    assert line.text() == "The other"
    press(line, KEY.Key_Return)
    pane.qtbot.waitUntil(lambda: pane.titles == ["The Second", "The other"])


def test_documents_are_moved_to_the_trash_and_restored_by_key(pane: Pane) -> None:
    pane.write("One", "Two", "Three")
    pane.open()
    pane.choose("Two")
    press(pane.widget.list, KEY.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert pane.selected == ["Two", "One"]
    pane.press(KEY.Key_Delete)
    assert pane.titles == ["Three"]
    (card,) = pane.window.toasts.cards
    assert card.message.text == "2 documents were moved to the trash."
    pane.window.commands.run("document.trash")
    pane.settle()
    assert (set(pane.titles), pane.widget.header.heading.text()) == ({"One", "Two"}, "Trash")
    pane.choose("One")
    pane.press(KEY.Key_Return)
    assert pane.titles == ["Two"]
    pane.press(KEY.Key_Escape)
    assert pane.titles == ["Three", "One"]
    assert pane.window.session.document.text == "Three"


def shown(pane: Pane, kind: type[QDialog]) -> Any:
    """The dialog of that class, once it is on the screen."""

    def visible() -> list[QDialog]:
        return [dialog for dialog in pane.window.findChildren(kind) if dialog.isVisible()]

    pane.qtbot.waitUntil(lambda: len(visible()) == 1)
    return visible()[0]


def test_the_trash_is_emptied_after_a_question(pane: Pane) -> None:
    pane.write("One", "Two", "Three")
    pane.open()
    for title in ("One", "Two"):
        pane.choose(title)
        pane.press(KEY.Key_Delete)
    pane.widget.show_trash(True)
    pane.settle()
    pane.widget.empty_trash.click()
    question = shown(pane, Question)
    assert "2 documents" in question.windowTitle()
    question.reject()
    assert len(pane.titles) == 2
    pane.choose("One")
    pane.press(KEY.Key_Delete)
    shown(pane, Question).buttons[0].click()
    pane.qtbot.waitUntil(lambda: pane.titles == ["Two"])
    pane.window.commands.run("document.empty_trash")
    question = shown(pane, Question)
    assert "“Two”" in question.windowTitle()
    question.buttons[0].click()
    pane.qtbot.waitUntil(lambda: pane.titles == [])
    assert pane.widget.none.text() == "The trash is empty."
    assert [entry.title for entry in pane.window.documents.entries()] == ["Three"]


def test_a_pinned_document_stays_at_the_top(pane: Pane) -> None:
    pane.write("One", "Two", "Three")
    pane.open()
    pane.choose("One")
    pane.run_in_menu("Pin to the top")
    assert pane.titles == ["One", "Three", "Two"]
    pane.run_in_menu("Unpin")
    assert pane.titles == ["Three", "Two", "One"]
    pane.window.commands.run("document.pin")
    pane.settle()
    assert [row.entry.pinned for row in pane.widget.model.rows] == [True, False, False]


def test_tags_are_given_in_a_dialog_and_searched_for(pane: Pane) -> None:
    pane.write("One", "Two")
    pane.window.commands.run("document.tags")
    dialog = shown(pane, TagDialog)
    QTest.keyClicks(dialog.line, "draft, Poem")
    dialog.accept_button.click()
    pane.open()
    pane.choose("One")
    pane.run_in_menu("Tags…")
    dialog = shown(pane, TagDialog)
    dialog.known["draft"].click()
    assert dialog.line.text() == "draft "
    QTest.keyClicks(dialog.line, "x" * 50)
    assert not dialog.accept_button.isEnabled()
    dialog.known["draft"].click()
    dialog.line.setText("draft")
    dialog.accept_button.click()
    pane.settle()
    pane.type("#dra")
    assert set(pane.titles) == {"One", "Two"}
    pane.type("#poem two")
    assert pane.titles == ["Two"]
    pane.widget.header.menu.aboutToShow.emit()
    submenu = next(a for a in pane.widget.header.menu.actions() if a.text() == "Tags").menu()
    submenu.actions()[0].trigger()
    pane.settle()
    assert pane.titles == ["Two"]
    assert pane.widget.field.text() == "#Poem "


def test_a_copy_opens_and_has_a_title_that_says_so(pane: Pane) -> None:
    pane.write("One")
    pane.open()
    pane.run_in_menu("Duplicate")
    pane.qtbot.waitUntil(lambda: pane.window.title.text() == "One (copy)")
    pane.settle()
    assert pane.titles == ["One (copy)", "One"]
    assert pane.window.session.document.text == "One"


def test_the_row_of_the_open_document_follows_its_text(pane: Pane) -> None:
    pane.write("One", "Two")
    pane.open()
    pane.window.playground.editor.replace_selection(" and more")
    pane.qtbot.waitUntil(lambda: pane.titles == ["Two and more", "One"])
    pane.window.documents.new()
    pane.window.playground.editor.replace_selection("Three")
    pane.qtbot.waitUntil(lambda: pane.titles == ["Three", "Two and more", "One"])


def test_a_click_opens_a_document_and_one_with_a_modifier_selects(pane: Pane) -> None:
    _, second, _ = pane.write("One", "Two", "Three")
    pane.open()
    view = pane.widget.list
    places = {title: view.visualRect(pane.widget.model.index(n)).center() for n, title in enumerate(pane.titles)}
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, NONE, places["Two"])
    assert pane.window.session.document.id == second
    pane.settle()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, CONTROL, places["One"])
    assert pane.window.session.document.id == second
    assert pane.selected == ["Two", "One"]


def test_an_order_is_one_entry_of_the_table(pane: Pane, monkeypatch: pytest.MonkeyPatch) -> None:
    by_length = Order("Length of the title", lambda entry: len(entry.title), False, lambda entry: entry.created)
    monkeypatch.setitem(ORDERS, "length", by_length)
    pane.write("Long one", "One", "Longer one")
    pane.open()
    pane.widget.header.menu.aboutToShow.emit()
    next(a for a in pane.widget.header.menu.actions() if a.text() == by_length.title).trigger()
    assert pane.titles == ["One", "Long one", "Longer one"]
    assert pane.widget.header.order.text() == by_length.title


def test_rows_are_ordered_by_what_is_chosen() -> None:
    entries = [
        DocumentSummary("a", "beta", modified=1, created=30),
        DocumentSummary("b", "Álpha", modified=2, created=20),
        DocumentSummary("c", "gamma", modified=3, created=10, pinned=True),
    ]
    ids = {key: [row.entry.id for row in arrange(entries, Query(), {}, order)] for key, order in ORDERS.items()}
    assert ids == {"modified": ["c", "b", "a"], "created": ["c", "a", "b"], "title": ["c", "b", "a"]}


def test_a_match_in_a_snippet_is_placed_in_qts_units() -> None:
    assert parse_snippet("😀 a \x02dragon\x03 and \x02two\x03") == ("😀 a dragon and two", [(5, 6), (16, 3)])
    assert parse_snippet("\x02all\x03") == ("all", [(0, 3)])


def test_a_row_says_its_title_marks_and_text_to_a_screen_reader(pane: Pane) -> None:
    pane.write("One")
    pane.open()
    pane.run_in_menu("Pin to the top")
    index = pane.widget.model.index(0)
    assert index.data(ROW).entry.title == "One"
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == "One, just now, pinned"


def test_a_letter_typed_in_the_list_begins_a_search(pane: Pane) -> None:
    pane.write("One", "Two")
    pane.open()
    QTest.keyClicks(pane.widget.list, "o")
    assert pane.widget.field.hasFocus()
    QTest.keyClicks(pane.widget.field, "ne")
    pane.settle()
    assert (pane.widget.field.text(), pane.titles) == ("one", ["One"])
