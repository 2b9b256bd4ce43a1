"""Background work: serial queues of tasks with progress, cancel, and callbacks in the GUI thread."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import cache, partial
from typing import Any, Final, TypeAlias, TypeVar

import shiboken6
from PySide6.QtCore import QObject, Qt, QThread, QTimer, Signal

from gptdesk.errors import UserError
from gptdesk.ui.lazy_imports import remove_import_hook

log = logging.getLogger(__name__)
T = TypeVar("T")

Failed: TypeAlias = Callable[[str], object]
"""Gets a sentence: what failed and what to do."""

THREAD_PREFIX: Final = "tasks: "
"""Of the names of all threads of task queues."""

REPORT_SECONDS: Final = 0.2
"""Between two reports of progress that reach the GUI thread."""

_NICENESS: Final = 8
"""Of worker threads: while the GUI thread works, they get a sixth of what it gets (sched(7)), and wait when it wakes
up. With 5 the window was late by up to 30 ms, with 8 by up to 26."""


class TaskCancelled(Exception):
    """Raised in a task's thread by `Task.report` once the task is cancelled."""


class Task:
    """One piece of work in a `TaskQueue`.

    Attributes:
        stop: set by `cancel`; for work that cannot call `report` but can watch an event.
    """

    def __init__(
        self,
        work: Callable[[Task], Any],
        done: Callable[[Any], object] | None,
        failed: Failed | None,
        cancelled: Callable[[], object] | None = None,
        progress: Callable[[int, int], object] | None = None,
    ) -> None:
        self.stop = threading.Event()
        self._work, self._done, self._failed = work, done, failed
        self._cancelled, self._progress = cancelled, progress
        self._reported = 0.0  # by the monotonic clock
        self._result: Any = None
        self._error: Exception | None = None

    @property
    def cancelled(self) -> bool:
        return self.stop.is_set()

    def cancel(self) -> None:
        """Asks the work to end. Of all callbacks only ``cancelled`` is called from now on."""
        self.stop.set()

    def report(self, done: int, total: int) -> None:
        """Reports progress; called by the work, in its thread.

        Raises:
            TaskCancelled: the task was cancelled; the work should let it pass.
        """
        if self.cancelled:
            raise TaskCancelled
        now = time.monotonic()
        if self._progress is not None and now - self._reported >= REPORT_SECONDS:
            self._reported = now
            _delivery().post(partial(self._deliver_progress, done, total))

    def run(self) -> None:
        """Does the work; for the queue's thread."""
        try:
            if not self.cancelled:
                self._result = self._work(self)
        except TaskCancelled:
            self.stop.set()
        except UserError as error:
            self._error = error
        except Exception as error:
            log.exception("a background task failed")
            self._error = error

    def deliver(self, unanswered: Callable[[str], object]) -> None:
        """Calls the callback that is due; for the GUI thread.

        Args:
            unanswered: is told of a failure when nobody else is.

        Raises:
            Exception: the error of ours that ended the work; raised here, it reaches the crash report.
        """
        error, unexpected = self._error, self._error is not None and not isinstance(self._error, UserError)
        try:
            if self.cancelled:
                _call(self._cancelled)
            elif error is None:
                _call(self._done, self._result)
            else:
                _call(self._failed or unanswered, f"{type(error).__name__}: {error}" if unexpected else str(error))
        finally:
            if error is not None and unexpected:
                raise error

    def _deliver_progress(self, done: int, total: int) -> None:
        if not self.cancelled:
            _call(self._progress, done, total)


class TaskQueue(QObject):
    """Runs plain functions one after the other in a thread of its own, which lives while there is work.

    Callbacks are called in the GUI thread. Those that are methods of a deleted QObject are skipped. An error that is
    not a `UserError` is raised again in the GUI thread, after ``failed`` was called.

    Signals:
        failed(str): a task without ``failed`` callback raised a `UserError`; the sentence says why.
        idle(): the last task has ended and its callback was called.
    """

    failed = Signal(str)
    idle = Signal()

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        remove_import_hook()
        self.name = name
        _delivery()  # made in the GUI thread, where it delivers
        self._lock = threading.Lock()
        self._waiting: deque[Task] = deque()
        self._thread: threading.Thread | None = None
        self._unfinished: set[Task] = set()  # whose callbacks have not been called
        self._closed = False

    @property
    def busy(self) -> bool:
        """Whether a task waits, runs, or has a callback to come."""
        return bool(self._unfinished)

    def run(
        self,
        work: Callable[[], T],
        done: Callable[[T], object] | None = None,
        failed: Failed | None = None,
    ) -> Task:
        """Runs ``work`` behind the tasks that wait. After `shut_down` nothing is run."""
        return self.run_task(lambda _: work(), done, failed)

    def run_task(
        self,
        work: Callable[[Task], T],
        done: Callable[[T], object] | None = None,
        failed: Failed | None = None,
        *,
        cancelled: Callable[[], object] | None = None,
        progress: Callable[[int, int], object] | None = None,
    ) -> Task:
        """Runs work that gets its `Task`, in order to report progress and to notice that it is cancelled.

        Args:
            work: does it, in the queue's thread.
            done: gets the result.
            failed: gets a sentence.
            cancelled: the task was cancelled, and its work has ended.
            progress: how far it is, and how far it goes, in units of its own; five times a second at most.
        """
        task = Task(work, done, failed, cancelled, progress)
        if self._closed:
            return task
        self._unfinished.add(task)
        with self._lock:
            self._waiting.append(task)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run_tasks, name=THREAD_PREFIX + self.name)
                self._thread.start()
        return task

    def drop_waiting(self) -> None:
        """Forgets the tasks that have not begun; their callbacks are not called."""
        with self._lock:
            self._unfinished -= set(self._waiting)
            self._waiting.clear()

    def shut_down(self, milliseconds: int) -> bool:
        """Cancels all tasks and waits for the one that runs; returns whether it ended in time."""
        self._closed = True
        self.drop_waiting()
        for task in self._unfinished:
            task.cancel()
        thread = self._thread
        if thread is not None:
            thread.join(milliseconds / 1000)
        return thread is None or not thread.is_alive()

    def _run_tasks(self) -> None:
        """In the queue's thread, until nothing waits."""
        while True:
            with self._lock:
                if not self._waiting:
                    self._thread = None
                    return
                task = self._waiting.popleft()
            task.run()
            _delivery().post(partial(self._deliver, task))

    def _deliver(self, task: Task) -> None:
        if not shiboken6.isValid(self):
            return
        try:
            task.deliver(self.failed.emit)
        finally:
            self._unfinished.discard(task)
            if not self._unfinished and shiboken6.isValid(self):
                self.idle.emit()


class WorkerThread(QThread):
    """A thread for one worker object without parent, reached by queued signals alone.

    For work that keeps state between calls, as inference does; `TaskQueue` is for everything else. On Linux the thread,
    and those that it starts, give way to the GUI thread: a model that writes keeps all cores busy.
    """

    def __init__(self, worker: QObject, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        remove_import_hook()
        self.setObjectName(name)
        self._worker = worker
        worker.moveToThread(self)

    def run(self) -> None:
        """Serves the worker until `end`, then stops its timers, which no other thread may do."""
        if sys.platform == "linux":  # elsewhere it is the process that is niced
            os.nice(_NICENESS)
        self.exec()
        for timer in self._worker.findChildren(QTimer):
            timer.stop()

    def end(self, milliseconds: int) -> bool:
        """Lets the worker finish its current slot and drops the rest; returns whether it ended in time."""
        self.quit()
        return self.wait(milliseconds)


class _Delivery(QObject):
    """Calls functions in the GUI thread; one for the whole program, so that no queue can be deleted under a thread."""

    _posted = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._posted.connect(self._call, Qt.ConnectionType.QueuedConnection)

    def post(self, call: Callable[[], object]) -> None:
        """For any thread."""
        self._posted.emit(call)

    def _call(self, call: Callable[[], object]) -> None:
        call()


@cache
def _delivery() -> _Delivery:
    return _Delivery()


def _call(callback: Callable[..., object] | None, *arguments: Any) -> None:
    """Calls it unless it is a method of a QObject that was deleted."""
    if callback is None:
        return
    plain = callback.func if isinstance(callback, partial) else callback
    owner = getattr(plain, "__self__", None)
    if not isinstance(owner, QObject) or shiboken6.isValid(owner):
        callback(*arguments)
