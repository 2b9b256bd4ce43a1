"""Background tasks: done in another thread, answered in the GUI thread, with progress, cancel and failures."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from PySide6.QtCore import QObject, Qt, QTimer, Slot
from pytestqt.qtbot import QtBot

from gptdesk.errors import UserError
from gptdesk.ui.services.background import THREAD_PREFIX, Task, TaskQueue, WorkerThread
from tests.patience import PATIENCE


@pytest.fixture
def queue(qtbot: QtBot) -> Iterator[TaskQueue]:
    made = TaskQueue("test")
    yield made
    assert made.shut_down(1000 * int(PATIENCE))


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == f"{THREAD_PREFIX}test"]


def until_cancelled(begun: threading.Event) -> Callable[[Task], None]:
    """Work that reports progress until it is cancelled."""

    def work(task: Task) -> None:
        while True:
            task.report(1, 2)
            begun.set()
            task.stop.wait(0.001)

    return work


def test_the_work_is_done_elsewhere_and_answered_here(queue: TaskQueue, qtbot: QtBot) -> None:
    answers: list[tuple[int, int]] = []
    queue.run(threading.get_ident, lambda worker: answers.append((worker, threading.get_ident())))
    qtbot.waitUntil(lambda: answers != [])
    ((worker, here),) = answers
    assert here == threading.get_ident()
    assert worker != here


def test_tasks_of_a_queue_run_one_after_the_other_and_its_thread_ends_with_the_last(
    queue: TaskQueue, qtbot: QtBot
) -> None:
    log: list[str] = []
    with qtbot.waitSignal(queue.idle):
        for name in "abc":
            queue.run(partial(log.append, f"{name} begins"), lambda _, name=name: log.append(f"{name} is answered"))
        assert queue.busy
    assert not queue.busy
    assert [line for line in log if "begins" in line] == ["a begins", "b begins", "c begins"]
    assert [line for line in log if "answered" in line] == ["a is answered", "b is answered", "c is answered"]
    qtbot.waitUntil(lambda: threads() == [])


def test_a_user_error_is_a_sentence(queue: TaskQueue, qtbot: QtBot) -> None:
    def work() -> None:
        raise UserError("The disk is full.")

    sentences: list[str] = []
    queue.run(work, lambda _: pytest.fail("it failed"), sentences.append)
    qtbot.waitUntil(lambda: sentences == ["The disk is full."])
    with qtbot.waitSignal(queue.failed) as failed:
        queue.run(work)
    assert failed.args == ["The disk is full."]


def test_an_error_of_ours_is_a_sentence_too_and_reaches_the_crash_report(
    queue: TaskQueue, qtbot: QtBot, caplog: pytest.LogCaptureFixture
) -> None:
    sentences: list[str] = []
    with qtbot.capture_exceptions() as caught, qtbot.waitSignal(queue.idle):
        queue.run(lambda: 1 / 0, None, sentences.append)
    assert sentences == ["ZeroDivisionError: division by zero"]
    assert [kind for kind, *_ in caught] == [ZeroDivisionError]
    with qtbot.capture_exceptions() as caught, qtbot.waitSignals([queue.failed, queue.idle]):
        queue.run(lambda: 1 / 0)
    assert len(caught) == 1


def test_an_error_in_a_callback_does_not_stop_the_queue(queue: TaskQueue, qtbot: QtBot) -> None:
    answers: list[int] = []
    with qtbot.capture_exceptions() as caught, qtbot.waitSignal(queue.idle):
        queue.run(lambda: 1, lambda result: 1 / 0)
        queue.run(lambda: 2, answers.append)
    assert answers == [2]
    assert len(caught) == 1


def test_progress_is_reported_in_the_gui_thread(queue: TaskQueue, qtbot: QtBot) -> None:
    reports: list[tuple[int, int, int]] = []

    def work(task: Task) -> str:
        task.report(3, 10)
        return "done"

    answers: list[str] = []
    queue.run_task(work, answers.append, progress=lambda *args: reports.append((*args, threading.get_ident())))
    qtbot.waitUntil(lambda: answers == ["done"])
    assert reports == [(3, 10, threading.get_ident())]


def test_a_cancelled_task_ends_at_its_next_report_and_only_says_that_it_was_cancelled(
    queue: TaskQueue, qtbot: QtBot
) -> None:
    begun = threading.Event()
    ended: list[str] = []
    task = queue.run_task(
        until_cancelled(begun),
        lambda _: ended.append("done"),
        lambda _: ended.append("failed"),
        cancelled=lambda: ended.append("cancelled"),
    )
    assert begun.wait(PATIENCE)
    task.cancel()
    qtbot.waitUntil(lambda: ended != [])
    assert ended == ["cancelled"]


def test_a_task_that_is_cancelled_before_its_turn_is_never_begun(queue: TaskQueue, qtbot: QtBot) -> None:
    begun = threading.Event()
    first = queue.run_task(until_cancelled(begun))
    second = queue.run(lambda: pytest.fail("begun though cancelled"))
    second.cancel()
    first.cancel()
    with qtbot.waitSignal(queue.idle):
        pass


def test_a_receiver_that_is_deleted_meanwhile_is_skipped(queue: TaskQueue, qtbot: QtBot) -> None:
    class Receiver(QObject):
        def on_done(self, *_: object) -> None:
            pytest.fail("called though deleted")

    receiver, go, answers = Receiver(), threading.Event(), list[object]()
    queue.run(go.wait, receiver.on_done)
    queue.run(go.wait, partial(receiver.on_done, 1))
    queue.run(go.wait, answers.append)
    with qtbot.waitSignal(receiver.destroyed):
        receiver.deleteLater()
    go.set()
    qtbot.waitUntil(lambda: answers == [True])


def test_a_queue_that_is_deleted_while_it_works_harms_nobody(qtbot: QtBot) -> None:
    queue, go, begun = TaskQueue("test"), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        go.wait(PATIENCE)

    queue.run(work, lambda _: pytest.fail("answered by a deleted queue"))
    assert begun.wait(PATIENCE)
    with qtbot.waitSignal(queue.destroyed):
        queue.deleteLater()
    go.set()
    qtbot.waitUntil(lambda: threads() == [])


def test_the_end_finishes_the_task_that_runs_and_forgets_the_others(qtbot: QtBot) -> None:
    queue, begun, ended = TaskQueue("test"), threading.Event(), list[int]()

    def work() -> None:
        begun.set()
        ended.append(1)

    queue.run(work)
    for _ in range(100):
        queue.run(lambda: None)
    assert begun.wait(PATIENCE)
    assert queue.shut_down(1000 * int(PATIENCE))
    assert ended == [1]
    assert threads() == []
    queue.run(lambda: pytest.fail("begun after the end"))
    assert threads() == []


def test_the_end_cancels_a_task_that_reports_and_does_not_wait_for_ever(qtbot: QtBot) -> None:
    queue, begun, go = TaskQueue("test"), threading.Event(), threading.Event()
    queue.run_task(until_cancelled(begun))
    assert begun.wait(PATIENCE)
    assert queue.shut_down(1000 * int(PATIENCE))
    other = TaskQueue("test")
    works = threading.Event()
    other.run(lambda: (works.set(), go.wait(PATIENCE)))
    assert works.wait(PATIENCE)
    assert not other.shut_down(1)
    go.set()
    assert other.shut_down(1000 * int(PATIENCE))


class Ticking(QObject):
    """A worker whose timer runs as soon as its thread does."""

    def __init__(self) -> None:
        super().__init__()
        self.ticks = 0
        self.timer = QTimer(self)
        self.timer.timeout.connect(self._count)

    @Slot()
    def _count(self) -> None:
        self.ticks += 1


def test_a_worker_has_no_timer_left_when_its_thread_has_ended(qtbot: QtBot) -> None:
    worker = Ticking()
    thread = WorkerThread(worker, "ticking")
    thread.started.connect(worker.timer.start)
    thread.start()
    qtbot.waitUntil(lambda: worker.ticks > 0)
    assert thread.end(1000 * int(PATIENCE))
    assert not worker.timer.isActive()


class Asking(QObject):
    """A worker that notes how nice its thread is, and one that its thread starts."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[int] = []

    @Slot()
    def ask(self) -> None:
        self._note()
        helper = threading.Thread(target=self._note)
        helper.start()
        helper.join()

    def _note(self) -> None:
        self.found.append(niceness())


def niceness() -> int:
    """Of the calling thread."""
    return os.getpriority(os.PRIO_PROCESS, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere all threads of a process are equally nice")
def test_a_worker_and_its_helpers_give_way_to_the_window(qtbot: QtBot) -> None:
    worker, before = Asking(), niceness()
    thread = WorkerThread(worker, "asking")
    thread.started.connect(worker.ask, Qt.ConnectionType.QueuedConnection)  # served by the thread's loop
    thread.start()
    qtbot.waitUntil(lambda: len(worker.found) == 2)
    assert thread.end(1000 * int(PATIENCE))
    assert before < worker.found[0] == worker.found[1]
    assert niceness() == before
