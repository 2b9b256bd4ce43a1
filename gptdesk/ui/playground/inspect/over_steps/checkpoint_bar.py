"""A slider over the checkpoints of a run, which loads the one that it stops at."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QWidget

from gptdesk.ui import number_format
from gptdesk.ui.playground.inspect.over_steps.run_checkpoints import RunCheckpoints
from gptdesk.ui.throttle import Debounce
from gptdesk.ui.widgets.tooltips import wrapped

_PAUSE_MS: Final = 400
"""After the slider has moved: a checkpoint that is only passed is not loaded."""

_HELP: Final = "Loads that checkpoint of the run in the Playground, so that all views show it."


class CheckpointBar(QWidget):
    """Hidden where the model in use is no checkpoint of a run, or its only one.

    Args:
        checkpoints: of the run.

    Attributes:
        slider: index of a checkpoint.
        step: says at which step it was saved.

    Signals:
        chosen(object): emitted with the folder of a checkpoint that is to be loaded, a `Path`.
    """

    chosen = Signal(object)

    def __init__(self, checkpoints: RunCheckpoints) -> None:
        super().__init__()
        self._checkpoints = checkpoints
        self.slider, self.step = QSlider(Qt.Orientation.Horizontal), QLabel()
        self.slider.setAccessibleName("Checkpoint of the run")
        self.slider.setToolTip(wrapped(_HELP))
        self.slider.setPageStep(1)
        self.slider.valueChanged.connect(self._on_moved)
        self.step.setProperty("kind", "muted")
        caption = QLabel("Checkpoint")
        caption.setBuddy(self.slider)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 8, 0)
        row.setSpacing(8)
        row.addWidget(caption)
        row.addWidget(self.slider, 1)
        row.addWidget(self.step)
        self._loading = Debounce(self._choose, _PAUSE_MS, self)
        checkpoints.changed.connect(self._show)
        self._show()

    @property
    def is_useful(self) -> bool:
        """Whether there is a choice."""
        return len(self._checkpoints.found) > 1

    @Slot()
    def _show(self) -> None:
        found, index = self._checkpoints.found, self._checkpoints.index
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, max(0, len(found) - 1))
            if index >= 0 and not self._loading.pending:
                self.slider.setValue(index)
        self._show_step()

    def _show_step(self) -> None:
        found = self._checkpoints.found
        if not found:
            self.step.setText("")
            return
        step, last = (number_format.count(found[place].step) for place in (self.slider.value(), -1))
        self.step.setText(f"Step {step} of {last}")
        self.slider.setAccessibleDescription(self.step.text())

    @Slot()
    def _on_moved(self) -> None:
        self._show_step()
        self._loading.request()

    def _choose(self) -> None:
        if self.slider.value() < len(self._checkpoints.found):
            self.chosen.emit(self._checkpoints.found[self.slider.value()].path)
