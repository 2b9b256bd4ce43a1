"""Measures how long the run would take on this computer, once the settings have not changed for a while."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from PySide6.QtCore import QObject, Slot

from gptdesk.training.estimate import dry_run
from gptdesk.ui.services.background import Task, TaskQueue
from gptdesk.ui.throttle import Debounce
from gptdesk.ui.train.new_run.summary_panel import SummaryPanel

QUIET_MS: Final = 1500
"""Milliseconds without a change before a measurement starts."""


class Measuring(QObject):
    """Measures the present settings; a change cancels the measurement.

    Args:
        panel: shows the result.
        slow: queue in which the trainer runs.
    """

    def __init__(self, panel: SummaryPanel, slow: TaskQueue, parent: QObject) -> None:
        super().__init__(parent)
        self._panel, self._slow = panel, slow
        self._values: Mapping[str, Any] | None = None
        self._task: Task | None = None
        self._quiet = Debounce(self.measure, QUIET_MS, self)
        panel.measure_wanted.connect(self.measure)
        panel.measure_cancelled.connect(self._on_cancelled)

    def offer(self, values: Mapping[str, Any] | None) -> None:
        """Sets the settings to measure; ``None`` if they cannot be measured."""
        self._values = values
        self._panel.show_measurable(values is not None)
        if values is not None:
            self._quiet.request()

    def forget(self) -> None:
        """Discards the measurement: the settings have changed."""
        self.stop()
        self._values = None
        self._panel.show_time(None)
        self._panel.show_measurable(False)

    def stop(self) -> None:
        """Cancels the measurement."""
        self._quiet.cancel()
        if self._task is not None:
            self._task.cancel()

    @Slot()
    def measure(self) -> None:
        """Starts the measurement."""
        if self._values is None:
            return
        self.stop()
        self._panel.show_measuring()
        values = self._values
        self._task = self._slow.run_task(
            lambda task: dry_run(values, stop=task.stop), self._panel.show_time, self._panel.show_failure
        )

    def _on_cancelled(self) -> None:
        self.stop()
        self._panel.show_time(None)
