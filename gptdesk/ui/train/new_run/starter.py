"""Starts the run of a draft: now, or when its data is ready."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from gptdesk.ui.services.background import TaskQueue
from gptdesk.ui.services.runs.service import RunService
from gptdesk.ui.train.new_run.draft.draft import Draft
from gptdesk.ui.train.new_run.draft.tasks import launch, launch_with


class RunStarter(QObject):
    """Starts one run.

    Args:
        runs: folder of new runs.
        failed: shows why the run could not be started.

    Attributes:
        starting: whether the trainer is being started.

    Signals:
        changed(): emitted when ``starting`` changes.
        started(object): the `Path` of the run.
        put_off(object): the run starts when the data in that folder, a `Path`, is ready.
    """

    changed = Signal()
    started = Signal(object)
    put_off = Signal(object)

    def __init__(
        self, runs: Path, run_monitor: RunService, queue: TaskQueue, failed: Callable[[str], object], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._runs, self._run_monitor, self._queue, self._failed = runs, run_monitor, queue, failed
        self.starting = False

    def start(self, draft: Draft) -> None:
        """Starts the trainer with these settings."""
        self.starting = True
        self.changed.emit()
        work = partial(launch, draft.values(), self._runs, draft.run_name, draft.launcher)
        self._queue.run(work, self.started.emit, self._on_failed)

    def start_later(self, draft: Draft, data: Path) -> None:
        """Lets the window start the run when the data in that folder is ready; the sheet may be closed."""
        own = deepcopy(draft)
        own.choose_data("", data.name)
        start = partial(launch_with, own, data, self._runs)
        self._run_monitor.start_when_ready(data, own.run_name, start)
        self.put_off.emit(data)

    def _on_failed(self, sentence: str) -> None:
        self.starting = False
        self.changed.emit()
        self._failed(sentence)
