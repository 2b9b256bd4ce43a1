"""Starts runs when their data is ready, as long as the window is open."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from PySide6.QtCore import QObject, Signal

if TYPE_CHECKING:
    from gptdesk.training.data.data_scanner import DataEntry


class Monitor(Protocol):
    """What is needed of the `RunMonitor`."""

    def data_entry(self, folder: Path | None) -> DataEntry | None:
        """The preparation in that folder, if there is one."""

    def change(
        self,
        work: Callable[[], Any],
        done: Callable[[Any], object] | None = None,
        failed: Callable[[str], object] | None = None,
    ) -> None:
        """Does ``work`` in the background and scans again."""


class _Waiting(msgspec.Struct):
    """A run that waits.

    Attributes:
        start: starts the run and returns its folder; for a worker thread.
        begun: whether it is being started.
    """

    name: str
    start: Callable[[], Path]
    begun: bool = False


class Autostart(QObject):
    """The runs that wait, at most one for the data in a folder.

    Signals:
        changed(): emitted when a run begins to wait, starts, or is removed.
        started(object, object, str): a run was started: folder of its data, its folder, its name.
        failed(str): a run will not be started; the sentence says why.
    """

    changed = Signal()
    started = Signal(object, object, str)
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._waiting: dict[Path, _Waiting] = {}

    @property
    def names(self) -> list[str]:
        """Names of the runs that wait."""
        return [each.name for each in self._waiting.values()]

    def name(self, data: Path) -> str:
        """Name of the run that waits for the data in that folder; empty when there is none."""
        return self._waiting[data].name if data in self._waiting else ""

    def add(self, data: Path, name: str, start: Callable[[], Path]) -> None:
        """Starts a run when the data in that folder is ready; replaces one that waits for the same data."""
        self._waiting[data] = _Waiting(name, start)
        self.changed.emit()

    def forget(self, data: Path) -> None:
        """Removes the run that waits for the data in that folder."""
        if data in self._waiting and not self._waiting[data].begun:
            del self._waiting[data]
            self.changed.emit()

    def start_ready(self, run_monitor: Monitor) -> None:
        """Starts the runs whose data is ready."""
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
