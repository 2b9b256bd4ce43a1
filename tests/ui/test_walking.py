"""Going from branch to branch by keys and by the buttons below the text: every branch is reached, and none is lost."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.store.document import Document
from gptdesk.ui.playground.commands.branch_commands import MODIFIERS
from gptdesk.ui.playground.walking.branch_switch import BranchSwitch
from gptdesk.ui.services.inference_messages import State

from .conftest import Opened

ALT = Qt.KeyboardModifier.AltModifier
if MODIFIERS != "Alt":
    ALT |= Qt.KeyboardModifier.ControlModifier


def branched() -> Document:
    """ "The cat" with "sat", "ran" and "slept", of which "ran" goes on with "away", which is shown, or "home"."""
    document = Document()
    document.replace(0, 0, "The cat")
    for text in (" sat", " slept", " ran"):
        document.branch(7, text)
    for text in (" home", " away"):
        document.branch(11, text)
    return document


@pytest.fixture
def written(open_window: Callable[..., Opened]) -> Opened:
    opened = open_window(model=None)
    opened.window.session.open(branched())
    return opened


def switch_of(opened: Opened) -> BranchSwitch:
    found = opened.window.playground.bar.findChild(BranchSwitch)
    assert isinstance(found, BranchSwitch)
    return found


def press(opened: Opened, key: Qt.Key) -> tuple[str, int]:
    """The text, and where the caret is then."""
    QTest.keyClick(opened.window.playground.editor, key, ALT)
    return opened.window.session.document.text, opened.window.playground.editor.selection[1]


def test_what_is_regenerated_three_times_is_four_branches_that_are_all_reached(opened: Opened, qtbot: QtBot) -> None:
    session, switch = opened.window.session, switch_of(opened)
    QTest.keyClicks(opened.window.playground.editor, "Once")
    assert switch.isHidden()
    texts = []
    for seed in range(4):
        opened.services.settings.update(decoding=DecodingSettings(max_tokens=4, temperature=1.5, seed=seed))
        opened.window.commands.run("text.regenerate" if texts else "text.generate")
        qtbot.waitUntil(lambda: not session.busy, timeout=600_000)
        texts.append(session.document.text)
    assert len(set(texts)) == 4
    assert switch.place.text() == "4 / 4"
    assert opened.window.commands.reason("branch.next") == "This is the last branch."
    reached = [press(opened, Qt.Key.Key_Left) for _ in range(3)]
    assert reached == [(text, len(text)) for text in reversed(texts[:3])]
    assert switch.place.text() == "1 / 4"
    assert opened.window.playground.editor.shown == texts[0]
    assert [press(opened, Qt.Key.Key_Right)[0] for _ in range(3)] == texts[1:]
    for text in (texts[2], texts[1], texts[0], texts[1]):
        opened.window.playground.undo.trigger()
        assert session.document.text == text


def test_a_fixed_seed_regenerates_the_branch_that_is_there_and_says_so(opened: Opened, qtbot: QtBot) -> None:
    session, switch = opened.window.session, switch_of(opened)
    QTest.keyClicks(opened.window.playground.editor, "Once")
    texts = []
    for seed in (1, 2, 2, 1):
        opened.services.settings.update(decoding=DecodingSettings(max_tokens=4, temperature=1.5, seed=seed))
        opened.window.commands.run("text.regenerate" if texts else "text.generate")
        qtbot.waitUntil(lambda: not session.busy, timeout=600_000)
        texts.append((session.document.text, switch.place.text()))
        assert opened.window.playground.editor.shown == session.document.text
        said = any("fixed at 2" in card.message.text for card in opened.window.toasts.cards)
        assert said == (len(texts) >= 3)
    assert texts[1] == texts[2] == (texts[1][0], "2 / 2")
    assert texts[3] == (texts[0][0], "1 / 2")
    assert len(session.document.outline.segments) == 3
    for text in (texts[1][0], texts[0][0], "Once"):
        opened.window.playground.undo.trigger()
        assert session.document.text == text


def test_branches_cannot_be_changed_while_text_is_generated(opened: Opened, qtbot: QtBot) -> None:
    opened.window.session.open(branched())
    opened.services.settings.update(decoding=DecodingSettings(max_tokens=100_000))
    opened.window.commands.run("text.generate")
    qtbot.waitUntil(lambda: opened.window.session.document.generating)
    assert opened.window.commands.reason("branch.previous") == "A generation is running."
    assert not switch_of(opened).previous.isEnabled()
    opened.window.commands.run("text.stop")
    qtbot.waitUntil(lambda: opened.state is State.READY)
    assert switch_of(opened).previous.isEnabled()


def test_the_keys_show_the_branch_beside_this_one_and_the_caret_goes_to_its_end(written: Opened) -> None:
    switch = switch_of(written)
    assert switch.place.text() == "2 / 2"
    assert press(written, Qt.Key.Key_Left) == ("The cat ran home", 16)
    assert switch.place.text() == "1 / 2"
    assert press(written, Qt.Key.Key_Up) == ("The cat ran home", 11)
    assert switch.place.text() == "3 / 3"
    assert press(written, Qt.Key.Key_Left) == ("The cat slept", 13)
    assert press(written, Qt.Key.Key_Right) == ("The cat ran home", 11)
    assert press(written, Qt.Key.Key_Right) == ("The cat ran home", 11)


def test_the_keys_move_the_caret_from_fork_to_fork(written: Opened) -> None:
    places = [press(written, Qt.Key.Key_Up)[1] for _ in range(3)]
    assert places == [11, 7, 7]
    assert written.window.commands.reason("branch.parent") == "There is no fork before the caret."
    assert [press(written, Qt.Key.Key_Down)[1] for _ in range(3)] == [11, 16, 16]
    assert written.window.commands.reason("branch.child") == "There is no fork after the caret."


def test_at_the_end_of_the_text_the_key_goes_on_with_what_was_undone(written: Opened) -> None:
    written.window.playground.undo.trigger()
    written.window.playground.undo.trigger()
    assert written.window.session.document.text == "The cat ran"
    switch = switch_of(written)
    assert (switch.place.text(), switch.place.accessibleName()) == ("– / 2", "The text ends here; 2 branches go on")
    assert press(written, Qt.Key.Key_Down) == ("The cat ran away", 16)
    assert switch.place.text() == "2 / 2"


def test_the_buttons_show_the_other_branches_by_mouse(written: Opened) -> None:
    switch = switch_of(written)
    assert not switch.next.isEnabled()
    QTest.mouseClick(switch.previous, Qt.MouseButton.LeftButton)
    assert written.window.session.document.text == "The cat ran home"
    assert switch.place.accessibleName() == "Branch 1 of 2"
    assert (switch.previous.accessibleName(), switch.next.accessibleName()) == ("Previous branch", "Next branch")
    QTest.mouseClick(switch.next, Qt.MouseButton.LeftButton)
    assert written.window.session.document.text == "The cat ran away"


def test_the_switch_is_there_where_branches_part_alone(written: Opened) -> None:
    editor = written.window.playground.editor
    editor.show_place(0)
    assert switch_of(written).place.text() == "3 / 3"
    written.window.commands.run("document.new")
    assert switch_of(written).isHidden()
    assert written.window.commands.reason("branch.previous") == "The text has no branches."


def test_a_box_keeps_the_key_that_opens_its_list(written: Opened) -> None:
    box = written.window.playground.token_view.strip.measure
    pressed = QKeyEvent(QEvent.Type.ShortcutOverride, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    pressed.ignore()
    QApplication.sendEvent(box, pressed)
    assert pressed.isAccepted()


def test_the_list_of_samplers_keeps_the_keys_that_move_one(written: Opened) -> None:
    panel = written.window.playground.panel
    assert panel.rows  # which makes the list
    rows = panel.order.list
    first = rows.item(0).text()
    rows.setCurrentRow(0)
    QTest.keyClick(rows, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    assert rows.item(1).text() == first
    assert written.window.playground.editor.selection == (16, 16)


@pytest.mark.parametrize("width", [1300, 1000, 940, 900, 800])
def test_generate_is_whole_beside_the_number_of_branches_at_every_width(written: Opened, width: int) -> None:
    window, bar = written.window, written.window.playground.bar
    window.commands.run("document.pane")
    window.resize(width, 700)
    for _ in range(5):
        QApplication.processEvents()
    assert bar.generate.width() >= bar.generate.sizeHint().width()
    assert bar.width() >= bar.frame.geometry().right()
