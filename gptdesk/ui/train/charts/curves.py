"""The curves of the runs on the charts: each is worked out once, and long ones in a thread of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any

from PySide6.QtCore import QObject, Signal

from gptdesk.training.history.history import RunHistory
from gptdesk.ui.train.charts.points import Curve
from gptdesk.ui.train.charts.settings import PlottedRun


@cache
def _pool() -> ThreadPoolExecutor:
    """One thread for all; the interpreter waits for it at its end."""
    return ThreadPoolExecutor(1, "curves")


class _News(QObject):
    """Signals: done(object, object): a future that has its result, and who is told."""

    done = Signal(object, object)


class Curves(QObject):
    """Keeps the curves of the runs that are shown, whatever charts they are on.

    Signals:
        ready(): one that was worked on in the other thread is there.
    """

    ready = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._curves: dict[RunHistory, dict[str, Curve]] = {}

    def of(self, history: RunHistory, metric: str) -> Curve:
        """The one of that metric of that run."""
        known = self._curves.setdefault(history, {})
        if metric not in known:
            known[metric] = Curve(history, metric, self._do_elsewhere)
        return known[metric]

    def keep(self, runs: Sequence[PlottedRun]) -> None:
        """Forgets those of all other runs."""
        shown = {run.history for run in runs}
        self._curves = {history: curves for history, curves in self._curves.items() if history in shown}

    def _do_elsewhere(self, work: Callable[[], Any], take: Callable[[Any], None]) -> None:
        news = _News()
        news.done.connect(self._on_done)
        _pool().submit(work).add_done_callback(lambda future: news.done.emit(future, take))

    def _on_done(self, future: Future[Any], take: Callable[[Any], None]) -> None:
        take(future.result())
        self.ready.emit()
