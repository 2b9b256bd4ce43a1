"""Long work on models, such as hashing and copying: one after the other in a thread, watched and cancelled."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from PySide6.QtCore import QObject, Qt, Signal, Slot

from gptdesk.library.files import Progress
from gptdesk.ui.services.errands import Errands

Kind = Literal["verify", "import", "export", "remove"]

TELL_EVERY: Final = 0.2
"""Seconds between two reports of progress."""


@dataclass(frozen=True, kw_only=True)
class JobView:
    """A job, as it was a moment ago.

    Attributes:
        number: tells it from others.
        kind: what is done.
        title: name of the model.
        about: key of the item that it is done to; empty when that is yet to come.
        done, total: how far it is, in units of its own; ``total`` is 0 before it begins.
        begun: whether it is its turn.
        stopping: whether it was cancelled and has yet to notice.
    """

    number: int
    kind: Kind
    title: str
    about: str
    done: int = 0
    total: int = 0
    begun: bool = False
    stopping: bool = False


class _Cancelled(Exception):
    """The person does not want it any more."""


class Jobs(QObject):
    """The thread, and what waits for it.

    Signals:
        changed(): there is another job, or one fewer.
        progressed(object): that `JobView` has come further.
        failed(str): a job could not be done, and nobody else tells the person.
        crashed(str): a traceback of a mistake of ours.
    """

    changed = Signal()
    progressed = Signal(object)
    failed = Signal(str)
    crashed = Signal(str)

    _told = Signal(int, object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._numbers = itertools.count(1)
        self._views: dict[int, JobView] = {}
        self._stops: dict[int, threading.Event] = {}
        self._errands = Errands("model jobs", self)
        self._errands.failed.connect(self.failed)
        self._errands.crashed.connect(self.crashed)
        self._told.connect(self._on_told, Qt.ConnectionType.QueuedConnection)

    @property
    def views(self) -> tuple[JobView, ...]:
        """Those that go on or wait, the oldest first."""
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
        """Does ``work`` behind those that wait, and returns its number; a cancelled one calls nobody."""
        number = next(self._numbers)
        stop = threading.Event()
        self._views[number] = JobView(number=number, kind=kind, title=title, about=about)
        self._stops[number] = stop

        def run() -> tuple[bool, Any]:
            last = 0.0

            def progress(at: int, total: int) -> None:
                nonlocal last
                if stop.is_set():
                    raise _Cancelled
                now = time.monotonic()
                if now - last >= TELL_EVERY:
                    last = now
                    self._told.emit(number, at, total)

            try:
                progress(0, 0)
                return True, work(progress)
            except _Cancelled:
                return False, None

        def on_done(result: tuple[bool, Any]) -> None:
            self._end(number)
            if result[0]:
                done(result[1])

        def on_failed(sentence: str) -> None:
            self._end(number)
            if failed is None:
                self.failed.emit(sentence)
            else:
                failed(sentence)

        self._errands.run(run, on_done, on_failed)
        self.changed.emit()
        return number

    @Slot(int)
    def cancel(self, number: int) -> None:
        """Ends a job as soon as it looks up from its work; it leaves nothing behind."""
        if number in self._stops:
            self._stops[number].set()
            self._views[number] = replace(self._views[number], stopping=True)
            self.changed.emit()

    def shut_down(self, milliseconds: int) -> bool:
        """Cancels everything; returns whether it ended in time."""
        for stop in self._stops.values():
            stop.set()
        return self._errands.shut_down(milliseconds)

    def _end(self, number: int) -> None:
        self._views.pop(number, None)
        self._stops.pop(number, None)
        self.changed.emit()

    @Slot(int, object, object)
    def _on_told(self, number: int, done: int, total: int) -> None:
        if number in self._views:
            self._views[number] = replace(self._views[number], done=done, total=total, begun=True)
            self.progressed.emit(self._views[number])
