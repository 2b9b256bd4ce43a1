"""What takes too long for the thread that paints: done one after the other in another, and answered in this one."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import shiboken6
from PySide6.QtCore import QObject, Signal, Slot

from gptdesk.errors import UserError
from gptdesk.ui.services.worker_thread import WorkerThread

log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True)
class _Errand:
    work: Callable[[], Any]
    done: Callable[[Any], object] | None
    failed: Callable[[str], object] | None


class _Worker(QObject):
    """Signals: ended(object, object, str, str): an errand, what came of it, a sentence if it failed, a traceback."""

    ended = Signal(object, object, str, str)

    @Slot(object)
    def do(self, errand: _Errand) -> None:
        result, sentence, report = None, "", ""
        try:
            result = errand.work()
        except UserError as error:
            sentence = str(error)
        except Exception as error:
            log.exception("an errand failed")
            sentence, report = f"{type(error).__name__}: {error}", traceback.format_exc()
        self.ended.emit(errand, result, sentence, report)


class Errands(QObject):
    """A thread that runs plain functions; ``done`` and ``failed`` are called in the thread of the window.

    What belongs to a widget that is gone by then is not called.

    Signals:
        failed(str): an errand that nobody answers for could not be done; the sentence says why.
        crashed(str): a traceback of a mistake of ours.
    """

    failed = Signal(str)
    crashed = Signal(str)

    _do = Signal(object)

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._ended = False
        self._worker = _Worker()
        self._thread = WorkerThread(self._worker, name, self)
        self._do.connect(self._worker.do)
        self._worker.ended.connect(self._on_ended)

    def run(
        self,
        work: Callable[[], T],
        done: Callable[[T], object] | None = None,
        failed: Callable[[str], object] | None = None,
    ) -> None:
        """Does ``work`` behind those that wait; the thread starts with the first. After `shut_down` nothing is done."""
        if self._ended:
            return
        if not self._thread.isRunning():
            self._thread.start()
        self._do.emit(_Errand(work, done, failed))

    def shut_down(self, milliseconds: int) -> bool:
        """Finishes the errand at hand and forgets the others; returns whether it ended in time."""
        self._ended = True
        return self._thread.end(milliseconds)

    @Slot(object, object, str, str)
    def _on_ended(self, errand: _Errand, result: Any, sentence: str, report: str) -> None:
        if report:
            self.crashed.emit(report)
        if sentence:
            if errand.failed is None:
                self.failed.emit(sentence)
            elif _alive(errand.failed):
                errand.failed(sentence)
        elif errand.done is not None and _alive(errand.done):
            errand.done(result)


def _alive(callback: Callable[..., object]) -> bool:
    owner = getattr(callback, "__self__", None)
    return not isinstance(owner, QObject) or shiboken6.isValid(owner)
