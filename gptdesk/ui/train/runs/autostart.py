"""Runs that start by themselves when their data is ready, as long as the window is open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

if TYPE_CHECKING:
    from gptdesk.ui.train.runs.run_monitor import RunMonitor


@dataclass
class _Waiting:
    """Attributes: start(): starts the run and returns its folder; for a worker thread. begun: whether it does."""

    name: str
    start: Callable[[], Path]
    begun: bool = False


class Autostart(QObject):
    """One run at most for the data in a folder.

    Signals:
        changed(): others wait.
        started(object, object, str): folder of the data, folder and name of the run that has been started with it.
        failed(str): a run will not start; the sentence says why.
    """

    changed = Signal()
    started = Signal(object, object, str)
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._waiting: dict[Path, _Waiting] = {}

    @property
    def names(self) -> list[str]:
        """Of the runs that wait."""
        return [each.name for each in self._waiting.values()]

    def name(self, data: Path) -> str:
        """Of the run that waits for the data in that folder; empty when there is none."""
        return self._waiting[data].name if data in self._waiting else ""

    def add(self, data: Path, name: str, start: Callable[[], Path]) -> None:
        """Starts a run when the data in that folder is ready; takes the place of one that waits for the same."""
        self._waiting[data] = _Waiting(name, start)
        self.changed.emit()

    def forget(self, data: Path) -> None:
        """Starts no run with the data in that folder."""
        if data in self._waiting and not self._waiting[data].begun:
            del self._waiting[data]
            self.changed.emit()

    def look(self, run_monitor: RunMonitor) -> None:
        """Starts what can be started by now."""
        for data, waiting in list(self._waiting.items()):
            entry = run_monitor.data_entry(data)
            if waiting.begun:
                continue
            if entry is None:
                self._fail(data, "its data is not being prepared any more")
            elif entry.ready:
                waiting.begun = True
                run_monitor.change(waiting.start, partial(self._on_started, data), partial(self._fail, data))

    def _on_started(self, data: Path, run: Path) -> None:
        waiting = self._waiting.pop(data)
        self.changed.emit()
        self.started.emit(data, run, waiting.name)

    def _fail(self, data: Path, reason: str) -> None:
        waiting = self._waiting.pop(data)
        self.changed.emit()
        self.failed.emit(f"“{waiting.name}” has not been started: {reason.rstrip('.')}.")
