"""An engine is lent to another thread for a turn, and given back whatever happens."""

import threading
from collections.abc import Callable
from concurrent.futures import Future

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from gptdesk.errors import UserError
from gptdesk.ui.services.inference import Inference
from gptdesk.ui.services.inference_messages import State
from gptdesk.ui.services.loan import LoanJob
from tests.ui.conftest import Opened
from tests.ui.test_generation import LONG, SHORT, Owner


class Borrower:
    """A thread that borrows an engine and gives it back when it is told to.

    Attributes:
        got: the engine's name, or the sentence with which it was refused, or "left".
        may_end: set: it gives the engine back.
        leave: set: it waits no longer.
    """

    def __init__(self, job: LoanJob) -> None:
        self.job, self.got = job, Future[str]()
        self.may_end, self.leave = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="a borrower")
        self._thread.start()

    def _run(self) -> None:
        try:
            with self.job.borrowed(self._ask) as engine:
                self.got.set_result(engine.name)
                self.may_end.wait()
        except UserError as error:
            self.got.set_result(str(error))
        except InterruptedError:
            self.got.set_result("left")

    def _ask(self) -> None:
        if self.leave.is_set():
            raise InterruptedError


@pytest.fixture
def inference(opened: Opened) -> Inference:
    return opened.services.inference


@pytest.fixture
def borrow(inference: Inference) -> Callable[[], Borrower]:
    def borrow_one() -> Borrower:
        borrower = Borrower(LoanJob())
        inference.borrow(borrower.job, inference)
        return borrower

    return borrow_one


def test_generations_wait_until_an_engine_is_given_back(
    inference: Inference, borrow: Callable[[], Borrower], qtbot: QtBot
) -> None:
    borrower = borrow()
    qtbot.waitUntil(borrower.got.done)
    assert inference.info is not None
    assert borrower.got.result() == inference.info.name
    assert inference.engines.generating
    owner = Owner(inference, "Once", SHORT)
    assert inference.queued == 1
    borrower.may_end.set()
    qtbot.waitUntil(lambda: owner.ends == ["length"])


def test_an_engine_is_lent_when_the_generation_that_runs_has_ended(
    inference: Inference, borrow: Callable[[], Borrower], qtbot: QtBot
) -> None:
    owner = Owner(inference, "Once", LONG)
    qtbot.waitUntil(lambda: owner.tokens != [])
    borrower = borrow()
    before = len(owner.tokens)
    qtbot.waitUntil(lambda: len(owner.tokens) > before)
    assert not borrower.got.done()
    owner.generation.cancel()
    qtbot.waitUntil(borrower.got.done)
    borrower.may_end.set()


def test_a_borrower_that_has_left_holds_nobody_up(
    inference: Inference, borrow: Callable[[], Borrower], qtbot: QtBot
) -> None:
    first = Owner(inference, "Once", LONG)
    qtbot.waitUntil(lambda: first.tokens != [])
    borrower = borrow()
    borrower.leave.set()
    qtbot.waitUntil(borrower.got.done)
    assert borrower.got.result() == "left"
    first.generation.cancel()
    second = Owner(inference, "Once", SHORT)
    qtbot.waitUntil(lambda: second.ends == ["length"])


def test_a_borrower_is_told_to_give_an_engine_back_that_is_unloaded(
    inference: Inference, borrow: Callable[[], Borrower], qtbot: QtBot
) -> None:
    borrower = borrow()
    qtbot.waitUntil(borrower.got.done)
    assert not borrower.job.cancelled
    inference.unload()
    assert borrower.job.cancelled
    borrower.may_end.set()
    assert inference.state in (State.EMPTY, State.STOPPING)
    with pytest.raises(UserError, match="No model is loaded"):
        inference.borrow(LoanJob(), QObject(inference))
