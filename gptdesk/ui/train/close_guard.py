"""Asks whether active runs shall continue when the window closes."""

from __future__ import annotations

from collections.abc import Sequence

import shiboken6
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from gptdesk.training.index import RunEntry
from gptdesk.training.launch_record import ask
from gptdesk.ui.services.runs.service import RunService
from gptdesk.ui.widgets.question import Question

_LONGEST_LIST = 4


class CloseGuard(QObject):
    """Asks and carries out the answer.

    Attributes:
        allowed: whether the window may close without a question.
        question: the open question, if any.

    Signals:
        decided(): emitted when the window may close: the user has answered, and requests to runs are written.
    """

    decided = Signal()

    def __init__(self, run_monitor: RunService, window: QWidget) -> None:
        super().__init__(window)
        self._run_monitor, self._window = run_monitor, window
        self.allowed = False
        self.question: Question | None = None

    def may_close(self) -> bool:
        """Returns whether the window may close now. If not, the user is being asked."""
        working, waiting = self._run_monitor.active, self._run_monitor.waiting.names
        app = QGuiApplication.instance()
        ending = isinstance(app, QGuiApplication) and app.isSavingSession()  # the system waits for no answer then
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
            f"{names} can continue without this window and will be listed when you open it again. "
            f"Stopping saves a checkpoint, from which you can resume."
        )
        return Question(
            "A run is active" if len(working) == 1 else f"{len(working)} runs are active",
            f"{text} {_forgotten(waiting)}" if waiting else text,
            [("Stop and save", lambda: self._stop(working)), ("Keep running", self.decided.emit)],
            parent=self._window,
        )

    def _ask_about_waiting(self, waiting: Sequence[str]) -> Question:
        title = (
            "A run is waiting for its data" if len(waiting) == 1 else f"{len(waiting)} runs are waiting for their data"
        )
        return Question(title, _forgotten(waiting), [("Close", self.decided.emit)], parent=self._window)

    def _stop(self, runs: Sequence[RunEntry]) -> None:
        """Writes the requests before the window closes; the trainers answer them without it."""

        def ask_all() -> None:
            for run in runs:
                ask(run.folder, "stop")

        self._run_monitor.change(ask_all, lambda _: self.decided.emit())


def _forgotten(waiting: Sequence[str]) -> str:
    return f"{_names(waiting)} will not start automatically without this window."


def _names(all_names: Sequence[str]) -> str:
    names = [f"“{name}”" for name in all_names[:_LONGEST_LIST]]
    names += [f"{len(all_names) - _LONGEST_LIST} more"] if len(all_names) > _LONGEST_LIST else []
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
