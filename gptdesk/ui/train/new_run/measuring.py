"""How long the run would take here: measured by the trainer once the settings have been left alone for a while."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from PySide6.QtCore import QObject, Slot

from gptdesk.training.estimate import dry_run
from gptdesk.ui.services.background import Task, TaskQueue
from gptdesk.ui.throttle import Debounce
from gptdesk.ui.train.new_run.summary_panel import SummaryPanel

QUIET_MS: Final = 1500
"""Without a change, after which it is measured unasked."""


class Measuring(QObject):
    """Measures the settings at hand; another setting ends it.

    Args:
        panel: shows it.
        slow: the thread in which the trainer is waited for.
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
        """These settings can be measured; None: nothing can."""
        self._values = values
        self._panel.show_measurable(values is not None)
        if values is not None:
            self._quiet.request()

    def forget(self) -> None:
        """What is being measured, or was, does not hold any more."""
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
        """Begins to measure."""
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
