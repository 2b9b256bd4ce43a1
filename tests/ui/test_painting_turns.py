"""What is due comes between a change of the window and its painting."""

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from gptdesk.ui.window.frame.painting import TurnsOfPainting


class Painted(QWidget):
    """Notes when it is painted."""

    def __init__(self, parent: QWidget, happened: list[str]) -> None:
        super().__init__(parent)
        self._happened = happened

    def paintEvent(self, event: QPaintEvent) -> None:
        self._happened.append("painted")


@pytest.fixture
def happened() -> list[str]:
    return []


@pytest.fixture
def part(qtbot: QtBot, happened: list[str]) -> Iterator[Painted]:
    """A widget in a window that takes turns."""
    window = QWidget()
    qtbot.addWidget(window)
    TurnsOfPainting(window)
    part = Painted(window, happened)
    QVBoxLayout(window).addWidget(part)
    window.resize(300, 200)
    window.show()
    qtbot.waitUntil(lambda: "painted" in happened)
    QApplication.processEvents()
    happened.clear()
    yield part
    window.close()


def timer(work: Callable[[], object]) -> QTimer:
    """One that is due at once; `QTimer.singleShot` would post an event instead."""
    due = QTimer()
    due.setSingleShot(True)
    due.timeout.connect(work)
    return due


def test_a_timer_that_is_due_comes_before_what_has_changed_is_painted(
    qtbot: QtBot, part: Painted, happened: list[str]
) -> None:
    due = timer(lambda: happened.append("timer"))

    def change() -> None:
        happened[:] = ["changed"]
        due.start(0)
        part.update()

    begin = timer(change)
    begin.start(0)
    qtbot.waitUntil(lambda: {"timer", "painted"} <= set(happened))
    assert happened == ["changed", "timer", "painted"]


def test_all_changes_before_the_turn_are_painted_at_once(qtbot: QtBot, part: Painted, happened: list[str]) -> None:
    again = timer(part.update)
    later = timer(lambda: happened.append("later"))

    def change() -> None:
        again.start(0)
        part.update()
        later.start(20)

    begin = timer(change)
    begin.start(0)
    qtbot.waitUntil(lambda: "later" in happened)
    assert happened == ["painted", "later"]


def test_what_asks_to_be_painted_at_once_is_painted(qtbot: QtBot, part: Painted, happened: list[str]) -> None:
    part.repaint()
    qtbot.waitUntil(lambda: "painted" in happened)
    happened.clear()
    part.update()
    qtbot.waitUntil(lambda: "painted" in happened)
