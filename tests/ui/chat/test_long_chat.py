"""A chat of ten thousand turns: few widgets, whatever is scrolled to, and what is in view stays there."""

from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractSlider, QApplication, QWidget

from gptdesk.chat.turns import ChatTurn
from gptdesk.ui.chat.turns.turn_list import MORE, MOST

from .conftest import ChatDriver

COUNT = 10_000
TURNS = [ChatTurn("user" if i % 2 == 0 else "assistant", f"Message {i}.\n" * (1 + i % 7)) for i in range(COUNT)]


@pytest.fixture
def long_chat(chat: ChatDriver) -> ChatDriver:
    chat.page.chats.open_turns(TURNS)
    assert chat.turns == TURNS
    return chat


def shown(chat: ChatDriver) -> list[int]:
    """Which turns have a card, after all of them were laid out."""
    view = chat.view.turns
    before, now = None, ()
    while now != before or view._edge.isActive() or view._placing.isActive():
        QApplication.processEvents()
        bar = view.verticalScrollBar()
        before, now = now, (bar.value(), bar.maximum(), view.widget().height())
    return [card.state.index for card in chat.cards]


def test_a_long_chat_is_shown_at_its_end_with_few_widgets(long_chat: ChatDriver) -> None:
    assert shown(long_chat) == list(range(COUNT - MORE, COUNT))
    bar = long_chat.view.turns.verticalScrollBar()
    assert bar.value() == bar.maximum() > 0
    assert long_chat.view.turns.earlier.text() == "Show 30 of 9,970 earlier turns"
    assert not long_chat.view.turns.later.isVisible()


def test_scrolling_makes_no_more_than_a_fixed_number_of_cards(
    long_chat: ChatDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    view, made = long_chat.view.turns, []
    connect: Callable[[Any], object] = view._connect
    monkeypatch.setattr(view, "_connect", lambda card: (made.append(card), connect(card)))
    bar = view.verticalScrollBar()
    for times in range(1, 9):
        bar.triggerAction(QAbstractSlider.SliderAction.SliderToMinimum)
        end = min(COUNT, COUNT - MORE * times + MOST - MORE)
        assert shown(long_chat) == list(range(COUNT - MORE * (times + 1), end))
    widgets = len(view.findChildren(QWidget))
    for _ in range(12):
        bar.triggerAction(QAbstractSlider.SliderAction.SliderToMaximum)
        shown(long_chat)
    assert shown(long_chat)[-1] == COUNT - 1
    assert not view.later.isVisible()
    assert len(made) <= MOST - MORE
    assert len(view.findChildren(QWidget)) <= widgets


def test_what_is_in_view_stays_there_when_earlier_turns_are_shown(long_chat: ChatDriver) -> None:
    view = long_chat.view.turns
    shown(long_chat)
    bar = view.verticalScrollBar()
    view.show_turns(COUNT)
    bar.triggerAction(QAbstractSlider.SliderAction.SliderSingleStepSub)  # the end is not kept in view any more
    shown(long_chat)
    bar.setValue(0)
    card, most = long_chat.cards[0], bar.maximum()

    def height() -> int:
        return card.mapTo(view.viewport(), QPoint(0, 0)).y()

    before = height()
    view.earlier.click()
    assert card.state.index == COUNT - MORE == long_chat.cards[MORE].state.index
    long_chat.qtbot.waitUntil(lambda: bar.maximum() > 1.9 * most and abs(height() - before) <= 1)


def test_the_keys_go_beyond_the_cards(long_chat: ChatDriver) -> None:
    long_chat.cards[0].setFocus()
    QTest.keyClick(long_chat.cards[0], Qt.Key.Key_Up)
    card = QApplication.focusWidget()
    assert card in long_chat.cards
    shown(long_chat)
    assert long_chat.view.turns.viewport().rect().contains(card.mapTo(long_chat.view.turns.viewport(), QPoint(0, 0)))
    assert card.state.index == COUNT - MORE - 1  # type: ignore[attr-defined]


def test_a_message_is_answered_at_the_end_from_wherever_it_is_sent(long_chat: ChatDriver) -> None:
    view = long_chat.view.turns
    for _ in range(5):
        view.earlier.click()
        shown(long_chat)
    assert view.later.isVisible()
    long_chat.write("And now?")
    assert len(long_chat.turns) == COUNT + 2
    assert shown(long_chat)[-1] == COUNT + 1
    assert view.verticalScrollBar().value() == view.verticalScrollBar().maximum()


def test_a_message_that_is_edited_keeps_its_card(long_chat: ChatDriver) -> None:
    card = long_chat.cards[-1]
    card.edit()
    card.editor.field.setPlainText("Not lost")
    for _ in range(5):
        long_chat.view.turns.earlier.click()
    assert long_chat.cards[-1] is card
    assert card.editor.field.toPlainText() == "Not lost"
    long_chat.run("chat.new")
    assert card.editor is None
