"""Work beside the thread that paints: answered there, whatever becomes of it."""

import threading
from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from gptdesk.errors import UserError
from gptdesk.ui.services.errands import Errands


@pytest.fixture
def errands(qtbot: QtBot) -> Iterator[Errands]:
    made = Errands("test")
    yield made
    assert made.shut_down(10_000)


def test_the_work_is_done_elsewhere_and_answered_here(errands: Errands, qtbot: QtBot) -> None:
    answers: list[tuple[int, int]] = []
    errands.run(threading.get_ident, lambda worker: answers.append((worker, threading.get_ident())))
    qtbot.waitUntil(lambda: answers != [])
    ((worker, here),) = answers
    assert here == threading.get_ident()
    assert worker != here


def test_a_mistake_of_the_person_is_a_sentence(errands: Errands, qtbot: QtBot) -> None:
    def work() -> None:
        raise UserError("The disk is full.")

    sentences: list[str] = []
    errands.run(work, lambda _: pytest.fail("it failed"), sentences.append)
    qtbot.waitUntil(lambda: sentences == ["The disk is full."])
    with qtbot.waitSignal(errands.failed) as failed:
        errands.run(work)
    assert failed.args == ["The disk is full."]


def test_a_mistake_of_ours_is_a_report(errands: Errands, qtbot: QtBot) -> None:
    with qtbot.waitSignals([errands.crashed, errands.failed]):
        errands.run(lambda: 1 / 0)


def test_nothing_is_begun_after_the_end(qtbot: QtBot) -> None:
    errands = Errands("test")
    assert errands.shut_down(10_000)
    errands.run(lambda: pytest.fail("begun after the end"))
    assert errands.shut_down(10_000)
