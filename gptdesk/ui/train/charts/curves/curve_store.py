"""Computes the curves of all charts, each once, long ones in a background task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Signal

from gptdesk.training.history.history import RunHistory
from gptdesk.ui.services.background import TaskQueue
from gptdesk.ui.train.charts.curves.curve import Curve
from gptdesk.ui.train.charts.settings import PlottedRun


class Curves(QObject):
    """The curves of the runs that are shown, shared by all charts.

    Signals:
        ready(): a curve that was computed in the background can be drawn.
    """

    ready = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._queue = TaskQueue("curves", self)
        self._curves: dict[RunHistory, dict[tuple[str, bool], Curve]] = {}

    def of(self, history: RunHistory, key: str, *, evaluated: bool = False) -> Curve:
        """The curve of a value of a run's steps, or evaluations."""
        known = self._curves.setdefault(history, {})
        if (key, evaluated) not in known:
            known[key, evaluated] = Curve(history, key, self._compute_in_background, evaluated=evaluated)
        return known[key, evaluated]

    def keep(self, runs: Sequence[PlottedRun]) -> None:
        """Drops the curves of all other runs."""
        shown = {run.history for run in runs}
        self._curves = {history: curves for history, curves in self._curves.items() if history in shown}

    def _compute_in_background(self, work: Callable[[], Any], take: Callable[[Any], None]) -> None:
        self._queue.run(work, partial(self._on_done, take))

    def _on_done(self, take: Callable[[Any], None], result: Any) -> None:
        take(result)
        self.ready.emit()
