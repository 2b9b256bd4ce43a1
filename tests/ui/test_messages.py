"""What the window tells: toasts that leave by themselves, banners that hold as long as their reason, nothing moves."""

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QEnterEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from gptdesk.store.document import Document
from gptdesk.ui.services.inference_messages import State
from gptdesk.ui.services.messages import Messages
from gptdesk.ui.theme import Theme
from gptdesk.ui.window.messages.banner import Banners
from gptdesk.ui.window.messages.toast import Toasts
from gptdesk.ui.window.page_list import PAGES

from .conftest import Opened

LONG = "The text is longer than what the model can read at once, so it reads the last part of it and goes on there. "


class Shell(QWidget):
    """A window with a line of text under the messages."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.resize(800, 500)
        self.area = QWidget(self)
        self.area.setGeometry(0, 0, 800, 500)
        self.line = QLineEdit(self.area)
        self.messages = Messages()
        self.banners = Banners(theme, self.messages, self)
        self.banners.set_page("play", self.area, at_top=True)
        self.toasts = Toasts(theme, self.messages, self)
        self.toasts.float_over(self.area)

    def button(self, text: str) -> QAbstractButton:
        shown = [b for b in self.findChildren(QAbstractButton) if b.isVisible()]
        return next(b for b in shown if text in (b.text(), b.accessibleName()))


@pytest.fixture
def shell(theme: Theme, qtbot: QtBot) -> Iterator[Shell]:
    made = Shell(theme)
    qtbot.addWidget(made)
    made.show()
    made.activateWindow()
    made.line.setFocus()
    return made


def test_there_is_one_banner_a_topic_and_the_newest_lies_on_top(shell: Shell) -> None:
    done = []
    shell.messages.show("one")
    shell.messages.show("one")
    shell.messages.show("two", topic="x", offers=[("Do it", lambda: done.append(1))])
    shell.messages.show("three", topic="x", offers=[("Do it", lambda: done.append(2))])
    assert shell.banners.texts == ["one", "three"]
    shell.button("Next message").click()
    assert shell.banners.card is not None
    assert shell.banners.card.message.text == "one"
    shell.button("Next message").click()
    shell.button("Do it").click()
    assert done == [2]
    assert shell.banners.texts == ["one"]
    shell.messages.solve("one")
    assert shell.banners.isHidden()


def test_a_banner_is_shown_only_on_its_page(shell: Shell) -> None:
    shell.messages.show("models cannot be read", page="models")
    shell.messages.show("the disk is full")
    assert shell.banners.texts == ["the disk is full"]
    shell.banners.set_page("models", shell.area, at_top=False)
    assert shell.banners.texts == ["models cannot be read", "the disk is full"]


def test_a_message_about_a_document_goes_with_it(shell: Shell) -> None:
    shell.messages.show("the context is full", page="play", of_document=True)
    shell.messages.show("the disk is full")
    shell.messages.leave_document()
    assert shell.banners.texts == ["the disk is full"]


def test_a_toast_about_a_document_goes_with_it(shell: Shell) -> None:
    shell.messages.toast("Regenerating also removed a word.", of_document=True)
    shell.messages.toast("Saved.")
    shell.messages.leave_document()
    assert shell.toasts.texts == ["Saved."]


def test_the_same_message_again_keeps_its_card(shell: Shell) -> None:
    shell.messages.show("one", topic="x", offers=[("Do it", lambda: None)])
    card = shell.banners.card
    shell.messages.show("one", topic="x", offers=[("Do it", lambda: None)])
    assert shell.banners.card is card


def test_closing_leaves_the_focus_where_it_was(shell: Shell, qapp: QApplication) -> None:
    shell.messages.show("one")
    QTest.mouseClick(shell.button("Close message"), Qt.MouseButton.LeftButton)
    assert shell.banners.texts == []
    assert qapp.focusWidget() is shell.line
    shell.messages.show("two")
    shell.button("Close message").setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(shell.button("Close message"), Qt.Key.Key_Space)
    assert shell.banners.texts == []
    assert qapp.focusWidget() is shell.line


def test_a_toast_leaves_by_itself(shell: Shell, qtbot: QtBot) -> None:
    shell.messages.toast("Saved.")
    assert shell.toasts.texts == ["Saved."]
    assert qapp_focus() is shell.line
    qtbot.waitUntil(lambda: shell.toasts.texts == [], timeout=100_000)
    assert shell.toasts.isHidden()


def qapp_focus() -> QWidget | None:
    return QApplication.focusWidget()


def test_a_toast_waits_while_somebody_points_at_it_or_has_the_focus_in_it(shell: Shell) -> None:
    shell.messages.toast("Saved.", offers=[("Show", lambda: None)])
    (toast,) = shell.toasts.cards
    assert not toast.waits
    toast.pointer = QPoint(-9, -9)  # somewhere else
    place = QPointF(5, 5)
    QApplication.sendEvent(toast, QEnterEvent(place, place, QPointF(toast.mapToGlobal(QPoint(5, 5)))))
    assert toast.waits
    QApplication.sendEvent(toast, QEvent(QEvent.Type.Leave))
    assert not toast.waits
    shell.button("Show").setFocus()
    assert toast.waits
    shell.button("Close message").click()
    assert qapp_focus() is shell.line


def test_a_toast_that_no_longer_holds_leaves_even_while_it_has_the_focus(shell: Shell, qtbot: QtBot) -> None:
    done: list[int] = []
    shell.messages.toast("Saved.", offers=[("Undo", lambda: None)], holds=lambda: not done)
    (toast,) = shell.toasts.cards
    shell.button("Undo").setFocus()
    assert toast.waits
    done.append(1)
    qtbot.waitUntil(lambda: shell.toasts.texts == [])


def test_a_toast_offers_what_to_do(shell: Shell) -> None:
    done = []
    shell.messages.toast("Saved.", offers=[("Show", lambda: done.append(1))])
    shell.button("Show").click()
    assert done == [1]
    assert shell.toasts.texts == []


def test_toasts_do_not_cover_a_bar_of_buttons(shell: Shell) -> None:
    bar = QWidget(shell.area)
    bar.setGeometry(shell.area.width() - 200, shell.area.height() - 50, 200, 50)
    bar.show()
    shell.messages.toast("Saved.")
    covered = shell.toasts.geometry()
    shell.toasts.leave_free(bar)
    corner = bar.mapTo(shell, QPoint())
    assert shell.toasts.geometry().bottom() < corner.y()
    bar.move(0, bar.y())
    bar.resize(20, 50)
    shell.toasts.leave_free(bar)
    assert shell.toasts.geometry() == covered


def test_toasts_do_not_cover_the_bar_that_finds_and_replaces(opened: Opened) -> None:
    window, bar = opened.window, opened.window.playground.find_replace.bar
    window.resize(1000, 700)
    opened.services.messages.toast(LONG)
    window.commands.run("text.replace")
    QApplication.processEvents()
    covered = QRect(window.toasts.mapTo(window, QPoint()), window.toasts.size())
    assert not covered.intersects(QRect(bar.mapTo(window, QPoint()), bar.size()))
    assert window.toasts.isVisible()


def test_toasts_and_a_banner_do_not_cover_each_other(opened: Opened) -> None:
    window = opened.window
    window.resize(1000, 700)
    window.show_page("models")
    opened.services.messages.toast(LONG)
    before = window.toasts.geometry()
    opened.services.messages.show(LONG, topic="x")
    QApplication.processEvents()
    assert window.toasts.isVisible()
    assert not window.toasts.geometry().intersects(window.banners.geometry())
    opened.services.messages.solve("x")
    QApplication.processEvents()
    assert window.toasts.geometry() == before


def test_toasts_do_not_pile_up(shell: Shell) -> None:
    for number in (1, 2, 2, 3, 4):
        shell.messages.toast(f"Saved {number}.")
    assert shell.toasts.texts == ["Saved 2.", "Saved 3.", "Saved 4."]
    lowest = shell.toasts.geometry()
    assert lowest.bottom() < shell.height()
    assert lowest.right() < shell.width()


@pytest.mark.parametrize("page", PAGES.ids)
def test_no_message_moves_anything(opened: Opened, page: str) -> None:
    window = opened.window
    window.resize(900, 600)
    window.show_page(page)
    QApplication.processEvents()
    parts = [
        window.rail,
        window.stack,
        window.contents.currentWidget(),
        window.playground.editor,
        window.playground.bar,
    ]
    before = [part.geometry() for part in parts]
    opened.services.messages.show(LONG, offers=[("Try again", lambda: None), ("Open folder…", lambda: None)])
    opened.services.messages.toast(LONG)
    QApplication.processEvents()
    assert window.banners.isVisible()
    assert window.toasts.isVisible()
    assert [part.geometry() for part in parts] == before


@pytest.mark.parametrize("width", [900, 1366, 2560])
def test_a_banner_covers_no_word_of_a_text_that_begins(opened: Opened, width: int) -> None:
    opened.window.resize(width, 600)
    opened.window.playground.editor.replace_selection("Once")
    opened.services.messages.show(LONG)
    QApplication.processEvents()
    editor = opened.window.playground.editor
    top = editor.viewport().mapTo(opened.window, editor.cursorRect().topLeft()).y()
    assert opened.window.banners.geometry().bottom() < top


def test_the_text_gives_way_to_a_banner_with_buttons_below_its_words(opened: Opened) -> None:
    opened.window.resize(1000, 700)
    editor = opened.window.playground.editor
    editor.replace_selection("Once")
    offers = [(title, lambda: None) for title in ("Try again", "Use the bundled model", "Open folder…")]

    def top() -> int:
        QApplication.processEvents()
        return editor.viewport().mapTo(opened.window, editor.cursorRect().topLeft()).y()

    before = top()
    opened.services.messages.show(LONG, offers=offers, topic="model")
    assert opened.window.banners.geometry().bottom() < top()
    opened.services.messages.solve("model")
    assert top() == before


def test_a_press_that_was_meant_for_what_was_there_before_is_not_heard(shell: Shell, qapp: QApplication) -> None:
    shell.messages.show("one")
    assert shell.banners.card is not None
    close = shell.button("Close message")
    shell.banners.card.pointer = close.mapToGlobal(close.rect().center())  # no test can move a person's mouse
    QTest.mousePress(close, Qt.MouseButton.LeftButton)
    assert not close.isDown()
    assert shell.banners.texts == ["one"]


def test_what_is_solved_is_taken_away(opened: Opened, qtbot: QtBot) -> None:
    window, services = opened.window, opened.services
    services.models.failed.emit("trunc is damaged.")
    window.messages._on_notice("The context is full.")
    assert window.banners.texts == ["The context is full."]
    window.show_page("models")
    assert window.banners.texts == ["trunc is damaged."]
    services.models.said.emit("stories is what it should be.")
    assert window.banners.texts == []
    assert window.toasts.texts == ["stories is what it should be."]
    window.show_page("play")
    window.session.open(Document())
    assert window.banners.texts == []


def test_a_model_that_is_there_again_ends_what_was_said_of_its_absence(
    opened: Opened, qtbot: QtBot, open_window: Callable[..., Opened]
) -> None:
    window = opened.window
    window.playground.editor.replace_selection("Once")
    opened.services.inference.unload()
    window.playground.generate.trigger()
    assert any("No model is loaded" in text for text in window.banners.texts)
    opened.services.loader.load()
    qtbot.waitUntil(lambda: opened.state is State.READY, timeout=600_000)
    assert window.banners.texts == []
