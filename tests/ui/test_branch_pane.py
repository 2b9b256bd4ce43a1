"""The tree of branches beside the text: what it shows, and that everything is done by keyboard."""

from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from gptdesk.store.runs import Origin, Token
from gptdesk.ui.playground.branches.comparison.dialog import ComparisonDialog
from gptdesk.ui.playground.branches.pane import BranchPane
from gptdesk.ui.playground.branches.row_actions import ACTIONS
from gptdesk.ui.playground.branches.tree_model import FIGURES

from .conftest import Opened

KEY = Qt.Key
NONE, CONTROL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier


def press(widget: QWidget, key: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> None:
    QTest.keyClick(widget, key, modifiers)


class Tree:
    """The pane of a window, and what tests ask it."""

    def __init__(self, opened: Opened, qtbot: QtBot) -> None:
        self.opened, self.qtbot, self.window = opened, qtbot, opened.window

    @property
    def pane(self) -> BranchPane:
        pane: BranchPane = self.window.playground.branches.slot.pane
        return pane

    @property
    def text(self) -> str:
        text: str = self.window.session.document.text
        return text

    def write(self, *branches: str) -> None:
        """Writes a beginning and what goes on from it; the last one stays shown."""
        document = self.window.session.document
        document.replace(0, len(document.text), "Once upon a time")
        for text in branches:
            document.branch(16, text)
        self.window.session.changed.emit()

    def open(self) -> None:
        self.window.commands.run("branches.show")
        assert self.pane.isVisible()

    @property
    def texts(self) -> list[str]:
        """The beginnings of the rows that are unfolded, from top to bottom."""
        tree, found = self.pane.tree, []
        index = self.pane.model.index(0, 0)
        while index.isValid():
            found.append(str(index.data()))
            index = tree.indexBelow(index)
        return found

    @property
    def current(self) -> str:
        return str(self.pane.tree.currentIndex().data())

    def choose(self, text: str, *, also: bool = False) -> None:
        rows = self.pane.model.rows.by_id.values()
        id = next(row.segment.id for row in rows if row.segment.text.strip() == text)
        selection = self.pane.tree.selectionModel()
        flags = selection.SelectionFlag
        selection.setCurrentIndex(self.pane.model.index_of(id), flags.Select if also else flags.ClearAndSelect)
        self.pane.tree.setFocus()

    def press(self, key: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> None:
        press(self.pane.tree, key, modifiers)

    def type(self, words: str) -> None:
        self.pane.field.selectAll()
        QTest.keyClicks(self.pane.field, words)
        self.qtbot.waitUntil(lambda: " ".join(self.pane.model.rows.query.words) == words.strip())

    def comparison(self) -> ComparisonDialog:
        (dialog,) = [each for each in self.window.findChildren(ComparisonDialog) if each.isVisible()]
        return dialog


@pytest.fixture
def tree(opened: Opened, qtbot: QtBot) -> Tree:
    return Tree(opened, qtbot)


def test_the_tree_shows_every_branch_and_the_end_of_the_shown_text_is_selected(tree: Tree) -> None:
    tree.write(" there was a king", " there was a cat", " it rained")
    tree.open()
    assert tree.texts == ["Once upon a time", "there was a king", "there was a cat", "it rained"]
    assert tree.current == "it rained"
    assert tree.pane.header.count.text() == "3"
    spoken = tree.pane.tree.currentIndex().data(Qt.ItemDataRole.AccessibleTextRole)
    assert spoken == "it rained, the shown text ends here, typed · 3 tokens"


def test_rows_say_what_a_model_wrote_and_how_probable_it_was(tree: Tree) -> None:
    document = tree.window.session.document
    document.replace(0, 0, "Once")
    document.begin_generation(Origin(generation="one", model="tiny"))
    document.append_tokens(" upon a", [Token(1, 5, -1.0), Token(2, 2, -2.0)])
    document.end_generation("length", seed=1)
    tree.open()
    index = tree.pane.model.index(0, 0)
    known = index.data(FIGURES)
    assert (known.generated, known.mean) == (2, -1.5)
    assert index.data(Qt.ItemDataRole.AccessibleTextRole).endswith("typed and generated · 3 tokens · perplexity 4.5")
    assert "−1.50 nats per token" in index.data(Qt.ItemDataRole.ToolTipRole)


def test_left_and_right_go_back_and_forth_and_fold(tree: Tree) -> None:
    tree.write(" there was a king", " there was a cat")
    tree.open()
    tree.press(KEY.Key_Left)
    assert tree.current == "Once upon a time"
    tree.press(KEY.Key_Left)
    assert tree.texts == ["Once upon a time"]
    tree.press(KEY.Key_Right)
    tree.press(KEY.Key_Right)
    assert tree.current == "there was a king"
    press(tree.window, KEY.Key_B, CONTROL)
    assert not tree.pane.isVisible()
    assert tree.window.playground.editor.hasFocus()


def test_rows_are_folded_and_unfolded_by_commands(tree: Tree) -> None:
    tree.write(" there was a king", " there was a cat")
    tree.open()
    tree.window.commands.run("branches.fold_all")
    assert tree.texts == ["Once upon a time"]
    tree.window.commands.run("branches.unfold_shown")
    assert tree.current == "there was a cat"
    tree.window.commands.run("branches.fold_all")
    tree.window.commands.run("branches.unfold_all")
    assert len(tree.texts) == 3


def test_enter_shows_a_branch_and_nothing_is_lost(tree: Tree) -> None:
    tree.write(" there was a king", " there was a cat")
    tree.open()
    tree.press(KEY.Key_Up)
    tree.press(KEY.Key_Return)
    assert tree.text == "Once upon a time there was a king"
    assert tree.pane.tree.hasFocus()
    tree.pane.update_now()
    assert tree.current == "there was a king"
    assert len(tree.texts) == 3
    tree.window.commands.run("text.undo")
    assert tree.text == "Once upon a time there was a cat"


def test_a_branch_that_was_pruned_comes_back_by_undo(tree: Tree) -> None:
    tree.write(" there was a king", " there was a cat")
    tree.open()
    tree.choose("there was a king")
    tree.press(KEY.Key_Delete)
    tree.pane.update_now()
    assert tree.texts == ["Once upon a time there was a cat"]
    (card,) = tree.window.toasts.cards
    assert card.message.text == "The branch was pruned."
    next(button for button in card.findChildren(QPushButton) if button.text() == "Undo").click()
    tree.pane.update_now()
    assert tree.texts == ["Once upon a time", "there was a king", "there was a cat"]


def test_a_bookmark_is_named_in_its_row_found_and_removed(tree: Tree) -> None:
    tree.write(" there was a king", " there was a cat")
    tree.open()
    tree.choose("there was a king")
    tree.press(KEY.Key_F2)
    (line,) = tree.pane.tree.findChildren(QLineEdit)
    line.setText("The better one")
    press(line, KEY.Key_Return)
    tree.qtbot.waitUntil(lambda: not tree.pane.tree.findChildren(QLineEdit))
    tree.pane.update_now()
    assert "bookmark The better one" in tree.pane.tree.currentIndex().data(Qt.ItemDataRole.AccessibleTextRole)
    tree.type("better")
    assert tree.texts == ["Once upon a time", "there was a king"]
    assert tree.pane.header.count.text() == "1 found"
    menu = tree.pane.row_menu()
    next(action for action in menu.actions() if action.text() == "Remove bookmark").trigger()
    menu.deleteLater()
    tree.pane.update_now()
    assert tree.texts == []
    press(tree.pane.field, KEY.Key_Escape)
    tree.qtbot.waitUntil(lambda: len(tree.texts) == 3)


def test_a_search_leaves_what_was_folded_as_it_was(tree: Tree) -> None:
    tree.write(" there was a king", " there was a cat")
    tree.open()
    tree.window.commands.run("branches.fold_all")
    QTest.keyClicks(tree.pane.tree, "king")
    assert tree.pane.field.hasFocus()
    tree.qtbot.waitUntil(lambda: tree.texts == ["Once upon a time", "there was a king"])
    assert tree.current == "there was a king"
    press(tree.pane.field, KEY.Key_Escape)
    press(tree.pane.field, KEY.Key_Escape)
    assert tree.window.playground.editor.hasFocus()
    tree.choose("Once upon a time")
    tree.window.commands.run("branches.fold_all")
    tree.type("nothing")
    assert "nothing" in tree.pane.none.text()


def test_two_branches_are_compared_and_the_comparison_is_copied(tree: Tree) -> None:
    tree.write(" there was an old king.", " there was an old cat.", " it rained")
    tree.open()
    tree.choose("there was an old king.")
    tree.choose("there was an old cat.", also=True)
    tree.press(KEY.Key_D, CONTROL)
    dialog = tree.comparison()
    assert dialog.place.text() == "1 of 2"
    dialog.copy_text()
    assert QGuiApplication.clipboard().text() == "Once upon a time there was an old[- king-]{+ cat+}."
    dialog.next.click()
    assert dialog.text.textCursor().selectedText() == " cat"
    dialog.previous.click()
    assert dialog.text.textCursor().selectedText() == " king"
    dialog.copy.click()
    assert QGuiApplication.clipboard().text() == " king"
    dialog.side_by_side.setChecked(False)
    assert " king cat" in dialog.text.toPlainText()
    dialog.reject()


def test_one_branch_is_compared_with_the_shown_text(tree: Tree) -> None:
    tree.write(" there was a king", " there was a cat")
    tree.open()
    assert tree.window.commands.reason("branches.compare") is not None
    tree.choose("there was a king")
    assert tree.window.commands.run("branches.compare")
    words = tree.comparison().text.toPlainText()
    assert "there was a cat" in words
    assert "there was a king" in words
    tree.comparison().reject()


def test_the_row_of_a_generation_grows_and_keeps_its_place(tree: Tree) -> None:
    tree.write(" there was a king", " there was a cat")
    tree.open()
    document = tree.window.session.document
    document.begin_generation(Origin(generation="one", model="tiny"))
    tree.pane.update_now()
    chosen = tree.pane.tree.currentIndex().internalId()
    changed: list[Any] = []
    tree.pane.model.layoutChanged.connect(lambda: changed.append(None))
    document.append_tokens(" that", [Token(1, 5, -1.0)])
    tree.window.session.changed.emit()
    tree.qtbot.waitUntil(lambda: "there was a cat that" in tree.texts)
    assert tree.pane.tree.currentIndex().internalId() == chosen
    assert changed == []
    document.end_generation("length", seed=1)


def test_in_a_narrow_window_documents_and_branches_give_way_to_each_other(tree: Tree) -> None:
    tree.window.resize(1600, 800)
    tree.window.commands.run("document.pane")
    tree.open()
    documents, commands = tree.window.playground.documents, tree.window.commands
    assert documents.isVisible()
    tree.window.resize(1000, 700)
    tree.qtbot.waitUntil(lambda: not documents.isVisible())
    assert tree.pane.isVisible()
    assert not commands.action("document.pane").isChecked()
    commands.run("document.list")
    assert documents.isVisible()
    assert not tree.pane.isVisible()
    commands.run("branches.show")
    assert tree.pane.isVisible()
    tree.window.resize(1600, 800)
    tree.qtbot.waitUntil(documents.isVisible)
    assert tree.pane.isVisible()


def test_the_tree_is_shown_after_a_restart_as_it_was(open_window: Any) -> None:
    first = open_window()
    assert not first.window.playground.branches.slot.isVisible()
    first.window.commands.run("branches.show")
    first.close()
    assert open_window(None).window.playground.branches.slot.isVisible()


def test_every_action_of_the_rows_has_its_own_key_and_stands_in_their_menu(tree: Tree) -> None:
    keys = [action.key for action in ACTIONS.all if action.key]
    assert len(set(keys)) == len(keys)
    tree.write(" there was a king", " there was a cat")
    tree.open()
    menu = tree.pane.row_menu()
    texts = [action.text() for action in menu.actions()]
    menu.deleteLater()
    assert texts == ["Show this branch", "Compare with the shown text", "Bookmark", "Prune"]


def test_thousands_of_rows_keep_what_is_selected_while_one_is_added(tree: Tree) -> None:
    document = tree.window.session.document
    document.replace(0, 0, "0")
    for number in range(1_500):
        document.branch(1, f" {number}")
    tree.open()
    rows = tree.pane.model.rows.by_id
    assert len(rows) > 1_500
    tree.window.commands.run("branches.unfold_all")
    tree.choose("700")
    document.branch(1, " another")
    tree.pane.update_now()
    assert tree.current == "700"
    assert tree.texts[-1] == "another"


def stops(part: QWidget) -> list[QWidget]:
    """The widgets of a part of the window that Tab visits, in its order."""
    found, widget = [], part.nextInFocusChain()
    while widget is not part:
        takes_tab = bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus)
        if part.isAncestorOf(widget) and takes_tab and widget.isVisible() and widget.isEnabled():
            found.append(widget)
        widget = widget.nextInFocusChain()
    return found


def test_what_takes_the_focus_has_a_name_and_tab_goes_from_top_to_bottom(tree: Tree) -> None:
    tree.write(" there was a king", " there was a cat")
    tree.window.resize(1600, 800)
    tree.window.commands.run("document.pane")
    tree.open()
    tree.choose("there was a king")
    tree.press(KEY.Key_D, CONTROL)
    dialog = tree.comparison()
    for part in (tree.window.playground.documents.pane, tree.pane, dialog):
        visited = stops(part)
        assert len(visited) > 2
        assert [widget for widget in visited if not (widget.accessibleName() or getattr(widget, "text", str)())] == []
        tops = [widget.mapTo(part, widget.rect().center()).y() // 40 for widget in visited]
        assert tops == sorted(tops)
    dialog.reject()
