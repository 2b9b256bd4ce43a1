"""Measures bytes per token of the vocabularies that the text of the chosen data could get."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from gptdesk.training.data.vocabulary import Densities
from gptdesk.ui.services.background import Task, TaskQueue
from gptdesk.ui.train.new_run.vocabulary.card import VocabularyCard
from gptdesk.ui.train.new_run.vocabulary.tasks import measure_text


class VocabularyMeasuring(QObject):
    """Measures once for each data; other data cancels the measurement.

    Args:
        card: has the buttons.
        slow: queue in which the trainer runs.

    Signals:
        changed(): a measurement has ended.
    """

    changed = Signal()

    def __init__(self, card: VocabularyCard, slow: TaskQueue, parent: QObject) -> None:
        super().__init__(parent)
        self._card, self._slow = card, slow
        self._data: Path | None = None
        self._found: dict[Path, Densities | None] = {}  # None: it cannot be measured, or was cancelled
        self._task: Task | None = None
        card.measure_wanted.connect(self.measure)
        card.measure_cancelled.connect(self._on_cancelled)

    @property
    def found(self) -> Densities | None:
        """What was measured on the text of the present data; ``None`` while that is not known."""
        return self._found.get(self._data) if self._data else None

    def offer(self, data: Path | None, *, wanted: bool) -> None:
        """Sets the data whose text to measure; ``None`` for none.

        Args:
            wanted: whether to measure it now, unless that was done or cancelled.
        """
        if data != self._data:
            self.stop()
            self._data = data
            self._card.show_measurable(data in self._found and self._found[data] is None)
        if wanted and data is not None and data not in self._found and self._task is None:
            self.measure()

    def stop(self) -> None:
        """Cancels the measurement."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
            self._card.show_measuring(False)

    @Slot()
    def measure(self) -> None:
        """Starts the measurement."""
        data = self._data
        if data is None:
            return
        self.stop()
        self._card.show_measuring(True)
        self._card.show_measurable(True)
        self._task = self._slow.run_task(
            lambda task: measure_text(data, task.stop), partial(self._on_measured, data), partial(self._on_failed, data)
        )

    def _on_measured(self, data: Path, found: Densities | None) -> None:
        self._end(data, found)
        self._card.show_measurable(False)
        self.changed.emit()

    def _on_failed(self, data: Path, sentence: str) -> None:
        self._end(data, None)
        self.changed.emit()
        self._card.show_failure(sentence)

    @Slot()
    def _on_cancelled(self) -> None:
        self.stop()
        if self._data is not None:
            self._found[self._data] = None
        self.changed.emit()

    def _end(self, data: Path, found: Densities | None) -> None:
        self._task = None
        self._found[data] = found
        self._card.show_measuring(False)
