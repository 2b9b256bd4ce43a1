"""What trainers have been asked for, from the click until they have answered."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from gptdesk.training.index import RunEntry
from gptdesk.training.launched import ask
from gptdesk.ui.services.background import TaskQueue

if TYPE_CHECKING:
    from gptdesk.training.history.history import RunHistory

_ENDINGS = ("stop", "abort")
"""Answered by the end of the run as well."""


@dataclass(eq=False)
class Pending:
    """A request that has not been answered.

    Attributes:
        id: empty until it is written.
        since: when it was made, in seconds since the epoch.
    """

    folder: Path
    action: str
    args: Mapping[str, Any]
    id: str = ""
    since: float = field(default_factory=time.time)


class PendingRequests(QObject):
    """Requests to all runs that no trainer has answered yet.

    Signals:
        changed(): others are pending.
        refused(object, str): a `Pending`, and why the trainer did not do it.
        failed(str): a request could not be made.
    """

    changed = Signal()
    refused = Signal(object, str)
    failed = Signal(str)

    def __init__(self, queue: TaskQueue, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._queue = queue
        self._pending: list[Pending] = []

    def ask(self, folder: Path, action: str, **args: Any) -> None:
        """Asks the trainer of the run in that folder."""
        pending = Pending(folder, action, args)
        self._pending.append(pending)
        self._queue.run(
            partial(ask, folder, action, **args), partial(self._on_sent, pending), partial(self._fail, pending)
        )
        self.changed.emit()

    def pending(self, folder: Path) -> list[Pending]:
        """What the run in that folder has not answered, oldest first."""
        return [pending for pending in self._pending if pending.folder == folder]

    def take_answers(self, histories: Mapping[Path, RunHistory], runs: Iterable[RunEntry]) -> None:
        """Looks which requests have been answered, or never will be."""
        if not self._pending:
            return
        active = {run.folder for run in runs if run.active}
        left = []
        for pending in self._pending:
            history = histories.get(pending.folder)
            answer = history.answers.get(pending.id) if history and pending.id else None
            if answer is not None:
                if answer.get("refused"):
                    self.refused.emit(pending, str(answer["refused"]))
            elif pending.folder in active or not pending.id:
                left.append(pending)
            elif pending.action not in _ENDINGS:
                self.refused.emit(pending, "the run ended before it answered")
        if len(left) < len(self._pending):
            self._pending = left
            self.changed.emit()

    def _on_sent(self, pending: Pending, id: str) -> None:
        pending.id = id

    def _fail(self, pending: Pending, sentence: str) -> None:
        self._pending.remove(pending)
        self.changed.emit()
        self.failed.emit(sentence)
