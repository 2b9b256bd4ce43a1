"""Long jobs on models, such as hashing and copying: one after the other, each with progress and cancel."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec.structs import replace
from PySide6.QtCore import QObject, Signal, Slot

from gptdesk.ui.services.background import Task, TaskQueue

if TYPE_CHECKING:
    from gptdesk.library.files import Progress

Kind = Literal["verify", "import", "export", "remove"]


class JobView(msgspec.Struct, frozen=True, kw_only=True):
    """A job as it was at its last report.

    Attributes:
        number: identifies it.
        kind: what is done.
        title: name of the model.
        about: key of the item that it is done to; empty when that does not exist yet.
        done, total: progress, in units of its own; ``total`` is 0 before it begins.
        begun: whether it has reported progress.
        stopping: whether it was cancelled and has not ended yet.
    """

    number: int
    kind: Kind
    title: str
    about: str
    done: int = 0
    total: int = 0
    begun: bool = False
    stopping: bool = False


class Jobs(QObject):
    """The jobs that run or wait.

    Signals:
        changed(): emitted when a job is added or has ended.
        progressed(object): emitted when a job has progressed; its `JobView`.
        failed(str): a job failed, and its starter gave no ``failed`` callback.
    """

    changed = Signal()
    progressed = Signal(object)
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._numbers = itertools.count(1)
        self._views: dict[int, JobView] = {}
        self._tasks: dict[int, Task] = {}
        self._queue = TaskQueue("model jobs", self)

    @property
    def views(self) -> tuple[JobView, ...]:
        """Those that run or wait, the oldest first."""
        return tuple(self._views.values())

    def start(
        self,
        kind: Kind,
        title: str,
        work: Callable[[Progress], Any],
        done: Callable[[Any], object],
        failed: Callable[[str], object] | None = None,
        *,
        about: str = "",
    ) -> int:
        """Runs ``work`` behind the jobs that wait, and returns the job's number; a cancelled one calls no callback.

        Args:
            kind, title, about: as in `JobView`.
            work: gets a function that takes progress and raises when the job is cancelled.
            done: gets the result.
            failed: gets a sentence; the signal is emitted by default.
        """
        number = next(self._numbers)
        self._views[number] = JobView(number=number, kind=kind, title=title, about=about)

        def run(task: Task) -> Any:
            task.report(0, 0)
            return work(task.report)

        def on_done(result: Any) -> None:
            self._end(number)
            done(result)

        def on_failed(sentence: str) -> None:
            self._end(number)
            (failed or self.failed.emit)(sentence)

        self._tasks[number] = self._queue.run_task(
            run, on_done, on_failed, cancelled=partial(self._end, number), progress=partial(self._on_progress, number)
        )
        self.changed.emit()
        return number

    @Slot(int)
    def cancel(self, number: int) -> None:
        """Cancels a job; it ends at its next report of progress and leaves nothing behind."""
        if number in self._tasks:
            self._tasks[number].cancel()
            self._views[number] = replace(self._views[number], stopping=True)
            self.changed.emit()

    def shut_down(self, milliseconds: int) -> bool:
        """Cancels all jobs; returns whether they ended in time."""
        return self._queue.shut_down(milliseconds)

    def _end(self, number: int) -> None:
        self._views.pop(number, None)
        self._tasks.pop(number, None)
        self.changed.emit()

    def _on_progress(self, number: int, done: int, total: int) -> None:
        if number in self._views:
            self._views[number] = replace(self._views[number], done=done, total=total, begun=True)
            self.progressed.emit(self._views[number])
