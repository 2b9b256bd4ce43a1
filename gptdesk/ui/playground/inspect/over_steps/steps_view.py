"""What the views over checkpoints have in common: reading them with progress and cancel."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Slot
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout

from gptdesk.gpt2.mixed_text import MixedText
from gptdesk.training.checkpoint_views import missing_sentence
from gptdesk.ui import number_format
from gptdesk.ui.fonts import scaled
from gptdesk.ui.playground.inspect.over_steps.reading import Reading, read
from gptdesk.ui.playground.inspect.over_steps.run_checkpoints import RunCheckpoints
from gptdesk.ui.playground.inspect.view import InspectView
from gptdesk.ui.services.reading.look_jobs import Looked, LookJob
from gptdesk.ui.services.runs.service import RunService
from gptdesk.ui.services.services import InferenceService
from gptdesk.ui.widgets.elided_label import ElidedLabel

if TYPE_CHECKING:
    from gptdesk.gpt2.tokenizer import Tokenizer
    from gptdesk.ui.services.background import Task

_NO_RUN: Final = (
    "This view goes over the checkpoints of a run, and the model in use is none: choose one on the Train page with "
    "“Inspect this checkpoint”."
)
_NOTHING: Final = "The run has no complete checkpoint any more."


class StepsView(InspectView):
    """Reads the checkpoints when it is shown, and again when there are more; what is known already is not read again.

    Args:
        view: what is computed of each, as `Reading.view`.
        inference: has the model in use.
        runs: reads in the background.
        checkpoints: of the run that the model in use belongs to.

    Attributes:
        button: cancels; reads the rest, or a text that has changed.
        bar: checkpoints that are read.
        sentence: what is read, or what is wrong.
        top: the line with these.
    """

    def __init__(self, view: str, inference: InferenceService, runs: RunService, checkpoints: RunCheckpoints) -> None:
        super().__init__()
        self._view, self._inference, self._runs, self._checkpoints = view, inference, runs, checkpoints
        self._text = MixedText("")
        self._task: Task | None = None
        self._reading: Reading | None = None
        self.button, self.bar, self.sentence = QPushButton(), QProgressBar(), ElidedLabel()
        self.button.clicked.connect(self._on_button)
        self.bar.setProperty("kind", "job")
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Checkpoints that are read")
        self.bar.setFixedWidth(scaled(90))
        self.sentence.setProperty("kind", "muted")
        self.sentence.setAccessibleName("State of the checkpoints")
        self.top = QHBoxLayout()
        self.top.setSpacing(8)
        for widget in (self.sentence, self.bar, self.button):
            self.top.addWidget(widget, widget is self.sentence)
        self.top.addStretch()
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(scaled(6))
        self.column.addLayout(self.top)
        checkpoints.changed.connect(self._on_checkpoints_changed)
        self._show_state("")

    def show_reading(self, reading: Reading) -> None:
        """Shows what is known."""
        raise NotImplementedError

    @property
    def reading(self) -> Reading | None:
        """What is shown, or on its way."""
        return self._reading

    @property
    def busy(self) -> bool:
        """Whether checkpoints are being read."""
        return self._task is not None

    def why_not(self) -> str:
        return "" if self._checkpoints.run is not None else _NO_RUN

    def jobs(self, text: MixedText, caret: int) -> list[LookJob]:
        self._text = text
        self._read_if_new()
        return []

    def receive(self, looked: Looked, tokenizer: Tokenizer) -> str:
        raise AssertionError("it asks the model in use for nothing")

    def clear(self) -> None:
        """Another checkpoint of the same run changes nothing."""
        if self._reading is not None and self._reading.run != self._checkpoints.run:
            self._stop()
            self._reading = None
            self._show_state("")

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if self._task is not None:
            self._stop()
            self._reading = None  # to be read on when it is shown again

    @Slot()
    def _on_checkpoints_changed(self) -> None:
        if self.isVisible():
            self._read_if_new()

    def _read_if_new(self) -> None:
        reading, checkpoints = self._reading, self._checkpoints
        if not checkpoints.found:
            self._show_state(_NOTHING if checkpoints.listed else "Lists the checkpoints…")
        elif reading is None or (reading.run, tuple(reading.checkpoints)) != (checkpoints.run, checkpoints.found):
            self._read(self._text)
        elif self._task is None:
            self._show_button()

    def _read(self, text: MixedText) -> None:
        info, checkpoints = self._inference.info, self._checkpoints
        if info is None or checkpoints.run is None or not checkpoints.found:
            return
        self._stop()
        reading = Reading(self._view, checkpoints.run, checkpoints.found, text, info.tokenizer, info.device)
        self._reading = reading
        self.bar.setRange(0, len(checkpoints.found))
        self.bar.setValue(0)
        self._task = self._runs.read_checkpoints(
            partial(read, reading),
            self._on_done,
            self._on_failed,
            self._on_progress,
        )
        self._show_state(f"Reads {number_format.counted(len(checkpoints.found), 'checkpoint')}…")

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None

    @Slot()
    def _on_button(self) -> None:
        if self._task is None:
            self._read(self._text)
            return
        self._stop()
        assert self._reading is not None
        self._show_state(f"Cancelled after {number_format.counted(len(self._reading.seen), 'checkpoint')}.")

    def _on_progress(self, done: int, total: int) -> None:
        assert self._reading is not None
        self.bar.setValue(done)
        self.show_reading(self._reading)

    def _on_done(self, reading: Reading) -> None:
        self._task = None
        self.show_reading(reading)
        self._show_state(missing_sentence(reading.seen))

    def _on_failed(self, sentence: str) -> None:
        self._task = None
        self._show_state(sentence)

    def _show_state(self, sentence: str) -> None:
        self.sentence.setText(sentence)
        self.sentence.setVisible(bool(sentence))
        self.bar.setVisible(self.busy)
        self._show_button()

    def _show_button(self) -> None:
        reading = self._reading
        changed = self.needs_text() and reading is not None and reading.text != self._text
        unfinished = reading is not None and len(reading.seen) < len(reading.checkpoints)
        self.button.setText("Cancel" if self.busy else "Read the changed text" if changed else "Read on")
        shown = self.busy or changed or unfinished
        if not shown and self.button.hasFocus():
            self.copied.setFocus()
        self.button.setVisible(shown)
