"""What becomes of runs that are at work when the window is closed: the person is asked, once."""

from __future__ import annotations

from collections.abc import Sequence

import shiboken6
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from gptdesk.training.index import RunEntry
from gptdesk.training.launched import ask
from gptdesk.ui.services.runs.run_monitor import RunMonitor
from gptdesk.ui.widgets.question import Question

_LONGEST_LIST = 4


class CloseGuard(QObject):
    """Asks, and carries the answer out.

    Attributes:
        allowed: the window may be closed without a question.
        question: that is open, if one is.

    Signals:
        decided(): the person has answered that the window shall close, and what is to be done before is done.
    """

    decided = Signal()

    def __init__(self, run_monitor: RunMonitor, window: QWidget) -> None:
        super().__init__(window)
        self._run_monitor, self._window = run_monitor, window
        self.allowed = False
        self.question: Question | None = None

    def may_close(self) -> bool:
        """Whether the window may be closed now; if not, the person is being asked."""
        working, waiting = self._run_monitor.active, self._run_monitor.waiting.names
        app = QGuiApplication.instance()
        ending = isinstance(app, QGuiApplication) and app.isSavingSession()  # the system does not wait for answers
        if self.allowed or not (working or waiting) or ending:
            return True
        if self.question is not None and shiboken6.isValid(self.question):
            self.question.raise_()
            return False
        self.question = self._ask_about(working, waiting) if working else self._ask_about_waiting(waiting)
        self.question.open()
        return False

    def _ask_about(self, working: Sequence[RunEntry], waiting: Sequence[str]) -> Question:
        names = _names([run.name for run in working])
        text = (
            f"{names} can go on without this window, and will be here when you open it again. "
            f"Stopping saves a checkpoint; you can resume later."
        )
        return Question(
            "A run is being trained" if len(working) == 1 else f"{len(working)} runs are being trained",
            f"{text} {_forgotten(waiting)}" if waiting else text,
            [("Stop and save", lambda: self._stop(working)), ("Keep running", self.decided.emit)],
            parent=self._window,
        )

    def _ask_about_waiting(self, waiting: Sequence[str]) -> Question:
        title = "A run waits for its data" if len(waiting) == 1 else f"{len(waiting)} runs wait for their data"
        return Question(title, _forgotten(waiting), [("Close", self.decided.emit)], parent=self._window)

    def _stop(self, runs: Sequence[RunEntry]) -> None:
        """The requests are written before the window goes; the trainers answer them without it."""

        def ask_all() -> None:
            for run in runs:
                ask(run.folder, "stop")

        self._run_monitor.change(ask_all, lambda _: self.decided.emit())


def _forgotten(waiting: Sequence[str]) -> str:
    return f"{_names(waiting)} will not start by {'itself' if len(waiting) == 1 else 'themselves'} without this window."


def _names(all_names: Sequence[str]) -> str:
    names = [f"“{name}”" for name in all_names[:_LONGEST_LIST]]
    names += [f"{len(all_names) - _LONGEST_LIST} more"] if len(all_names) > _LONGEST_LIST else []
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
