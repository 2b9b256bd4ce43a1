"""How long the run would take here: measured by the trainer once the settings have been left alone for a while."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from PySide6.QtCore import QObject, QTimer, Slot

from gptdesk.training.estimate import DryRun, dry_run
from gptdesk.ui.services.errands import Errands
from gptdesk.ui.train.new_run.summary_panel import SummaryPanel

QUIET_MS: Final = 1500
"""Without a change, after which it is measured unasked."""


class Measuring(QObject):
    """Measures the settings at hand; another setting ends it.

    Args:
        panel: shows it.
        slow: the thread in which the trainer is waited for.
    """

    def __init__(self, panel: SummaryPanel, slow: Errands, parent: QObject) -> None:
        super().__init__(parent)
        self._panel, self._slow = panel, slow
        self._values: Mapping[str, Any] | None = None
        self._stop = threading.Event()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(QUIET_MS)
        self._timer.timeout.connect(self.measure)
        panel.measure_wanted.connect(self.measure)
        panel.measure_cancelled.connect(self._on_cancelled)

    def offer(self, values: Mapping[str, Any] | None) -> None:
        """These settings can be measured; None: nothing can."""
        self._values = values
        self._panel.show_measurable(values is not None)
        if values is not None:
            self._timer.start()

    def forget(self) -> None:
        """What is being measured, or was, does not hold any more."""
        self.stop()
        self._values = None
        self._panel.show_time(None)
        self._panel.show_measurable(False)

    def stop(self) -> None:
        """Ends what is being measured."""
        self._timer.stop()
        self._stop.set()

    @Slot()
    def measure(self) -> None:
        """Begins to measure."""
        if self._values is None:
            return
        self.stop()
        self._stop = threading.Event()
        self._panel.show_measuring()
        work = partial(dry_run, self._values, stop=self._stop)
        self._slow.run(work, partial(self._on_measured, self._stop), partial(self._on_failed, self._stop))

    def _on_cancelled(self) -> None:
        self.stop()
        self._panel.show_time(None)

    def _on_measured(self, stop: threading.Event, told: DryRun) -> None:
        if not stop.is_set():
            self._panel.show_time(told)

    def _on_failed(self, stop: threading.Event, sentence: str) -> None:
        if not stop.is_set():
            self._panel.show_failure(sentence)
