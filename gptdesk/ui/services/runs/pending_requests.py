"""Requests to trainers, from the click until the answer."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from PySide6.QtCore import QObject, Signal

from gptdesk.training.index import RunEntry
from gptdesk.training.launch_record import ask
from gptdesk.ui.services.background import TaskQueue

if TYPE_CHECKING:
    from gptdesk.training.history.history import RunHistory

_ENDINGS = ("stop", "abort")
"""Answered by the end of the run as well."""


class Pending(msgspec.Struct, eq=False):
    """A request without an answer.

    Attributes:
        id: of the request file; empty until it is written.
        since: when it was made, in seconds since the epoch.
    """

    folder: Path
    action: str
    args: Mapping[str, Any]
    id: str = ""
    since: float = msgspec.field(default_factory=time.time)


class PendingRequests(QObject):
    """Requests to all runs without an answer.

    Signals:
        changed(): emitted when a request is made, answered or given up.
        refused(object, str): a `Pending`, and why the trainer refused it.
        failed(str): a request could not be written.
    """

    changed = Signal()
    refused = Signal(object, str)
    failed = Signal(str)

    def __init__(self, queue: TaskQueue, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._queue = queue
        self._pending: list[Pending] = []

    def ask(self, folder: Path, action: str, **args: Any) -> None:
        """Sends a request to the trainer of the run in that folder."""
        pending = Pending(folder, action, args)
        self._pending.append(pending)
        self._queue.run(
            partial(ask, folder, action, **args), partial(self._on_sent, pending), partial(self._fail, pending)
        )
        self.changed.emit()

    def pending(self, folder: Path) -> list[Pending]:
        """Requests that the run in that folder has not answered, oldest first."""
        return [pending for pending in self._pending if pending.folder == folder]

    def take_answers(self, histories: Mapping[Path, RunHistory], runs: Iterable[RunEntry]) -> None:
        """Removes requests that have been answered, or never will be."""
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
