"""Samples of a run by step, with a slider that can play them in order."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtGui import QFont, QTextBlockFormat, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QPushButton, QSlider, QTextEdit, QVBoxLayout, QWidget

from gptdesk.training.checkpoints import CheckpointInfo
from gptdesk.training.history.samples import Sample
from gptdesk.ui import number_format
from gptdesk.ui.fonts import prose_font, scaled
from gptdesk.ui.theme import Theme
from gptdesk.ui.train.runs.labels import SEPARATOR
from gptdesk.ui.widgets.action_button import ActionButton
from gptdesk.ui.widgets.inputs.boxes import IconMenuButton, ListBox
from gptdesk.ui.window.commands.registry import Commands

_FRAME_MS: Final = 700
"""Milliseconds for each step while samples are played."""

_TEXT_SIZE: Final = 15
_LINE_HEIGHT: Final = 160.0  # percent
_LONGEST_PROMPT: Final = 40

_EMPTY: Final = "Samples appear here at every evaluation, and when you ask for one with “Sample now”."

Thread = tuple[str, int]
"""Prompt and seed, the same for all samples that are compared."""


class SamplesPanel(QWidget):
    """Samples of the selected run.

    Args:
        commands: with those of `train_commands`.
        menu: of the button beside "Open in Playground"; its owner fills it.

    Signals:
        opened(object): open the checkpoint in that folder in the Playground.
    """

    opened = Signal(object)

    def __init__(self, theme: Theme, commands: Commands, menu: QMenu, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._commands = theme, commands
        self._samples: tuple[Sample, ...] = ()
        self._checkpoints: tuple[CheckpointInfo, ...] = ()
        self._threads: list[Thread] = []
        self._shown: list[Sample] = []
        self._run: Path | None = None
        self.open = ActionButton(commands.action("run.open"))
        self.open.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.more = IconMenuButton("Checkpoints", menu)
        theme.set_icon(self.more, "chevron-down", "muted")
        self.prompts = ListBox()
        self.prompts.setAccessibleName("Prompt and seed")
        self.prompts.setSizeAdjustPolicy(ListBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.prompts.activated.connect(self._on_prompt)
        self.play = QPushButton()
        self.play.setProperty("icon_only", "true")
        self.play.setProperty("kind", "flat")
        self.play.clicked.connect(self._on_play)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName("Step of the sample")
        self.slider.setPageStep(1)
        self.slider.valueChanged.connect(self._show_sample)
        self.caption = QLabel()
        self.caption.setProperty("kind", "muted")
        self.caption.setWordWrap(True)
        self.text = QTextEdit()
        self.text.setReadOnly(True)
        self.text.setProperty("kind", "prose")
        self.text.setAccessibleName("Sample")
        self.text.setTabChangesFocus(True)
        self.text.document().setDocumentMargin(4)
        self.empty = QLabel(_EMPTY)
        self.empty.setProperty("kind", "muted")
        self.empty.setWordWrap(True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._timer = QTimer(self)
        self._timer.setInterval(_FRAME_MS)
        self._timer.timeout.connect(self._on_frame)
        self._lay_out()
        theme.changed.connect(self._on_theme_changed)
        self._set_font()
        self._show_play()
        self.show_samples(None, (), ())

    @Slot()
    def _on_theme_changed(self) -> None:
        self._set_font()
        self._show_sample()

    def _set_font(self) -> None:
        self.text.setFont(prose_font(scaled(_TEXT_SIZE)))

    def _lay_out(self) -> None:
        opening = QHBoxLayout()
        opening.setSpacing(4)
        opening.addWidget(self.open, 1)
        opening.addWidget(self.more)
        playing = QHBoxLayout()
        playing.setSpacing(8)
        playing.addWidget(self.play)
        playing.addWidget(self.slider, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 8)
        layout.setSpacing(8)
        layout.addLayout(opening)
        layout.addWidget(self.prompts)
        layout.addLayout(playing)
        layout.addWidget(self.caption)
        layout.addWidget(self.empty, 1)
        layout.addWidget(self.text, 1)

    @property
    def thread_at_hand(self) -> Thread | None:
        """Prompt and seed that are shown."""
        place = self.prompts.currentIndex()
        return self._threads[place] if 0 <= place < len(self._threads) else None

    def show_samples(
        self, run: Path | None, samples: tuple[Sample, ...], checkpoints: tuple[CheckpointInfo, ...]
    ) -> None:
        """Shows the samples of a run, the newest unless the user has moved the slider."""
        if checkpoints != self._checkpoints or run != self._run:
            self._checkpoints = checkpoints
            self._show_target()
        if run == self._run and samples is self._samples and run is not None:
            return
        thread = self.thread_at_hand if run == self._run else None
        other = run != self._run
        self._run, self._samples = run, samples
        self._threads = list(dict.fromkeys((sample.prompt, sample.seed) for sample in samples))
        self.prompts.clear()
        for prompt, seed in self._threads:
            self.prompts.addItem(f"{_short(prompt)}{SEPARATOR}seed {seed}")
        self.prompts.setVisible(len(self._threads) > 1)
        if thread in self._threads:
            self.prompts.setCurrentIndex(self._threads.index(thread))
        self._show_thread(newest=other or self.slider.value() == self.slider.maximum())

    @Slot()
    def _on_prompt(self) -> None:
        self._show_thread(newest=True)

    def _show_thread(self, *, newest: bool) -> None:
        """Samples of the shown prompt, by step."""
        thread = self.thread_at_hand
        found = [sample for sample in self._samples if (sample.prompt, sample.seed) == thread]
        self._shown = sorted(found, key=lambda sample: sample.step)
        several = len(self._shown) > 1
        self.slider.blockSignals(True)
        self.slider.setRange(0, max(0, len(self._shown) - 1))
        if newest:
            self.slider.setValue(self.slider.maximum())
        self.slider.blockSignals(False)
        for widget in (self.slider, self.play):
            widget.setVisible(bool(self._shown))
            widget.setEnabled(several)
        self.caption.setVisible(bool(self._shown))
        self._show_sample()

    @property
    def sample(self) -> Sample | None:
        """The shown sample."""
        place = self.slider.value()
        return self._shown[place] if place < len(self._shown) else None

    @Slot()
    def _show_sample(self) -> None:
        sample = self.sample
        self.empty.setVisible(sample is None)
        self.text.setVisible(sample is not None)
        self.text.clear()
        self._show_target()
        if sample is None:
            self.caption.setText("")
            return
        parts = (
            f"step {number_format.count(sample.step)}",
            f"temperature {number_format.decimal(sample.temperature, 1)}",
            f"seed {sample.seed}",
        )
        self.caption.setText(" · ".join(parts))
        self.slider.setAccessibleDescription(self.caption.text())
        cursor = QTextCursor(self.text.document())
        block = QTextBlockFormat()
        block.setLineHeight(_LINE_HEIGHT, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        cursor.setBlockFormat(block)
        bold, plain = QTextCharFormat(), QTextCharFormat()
        bold.setFontWeight(QFont.Weight.DemiBold)
        cursor.insertText(sample.prompt, bold)
        cursor.insertText(sample.text, plain)
        self.text.moveCursor(QTextCursor.MoveOperation.Start)

    # Playing

    @Slot()
    def _on_play(self) -> None:
        if self._timer.isActive():
            self._timer.stop()
        else:
            if self.slider.value() == self.slider.maximum():
                self.slider.setValue(0)
            self._timer.start()
        self._show_play()

    @Slot()
    def _on_frame(self) -> None:
        self.slider.setValue(self.slider.value() + 1)
        if self.slider.value() >= self.slider.maximum():
            self._timer.stop()
            self._show_play()

    def _show_play(self) -> None:
        playing = self._timer.isActive()
        name = "Pause" if playing else "Play from the first step to the last"
        self.play.setAccessibleName(name)
        self.play.setToolTip(name)
        self._theme.set_icon(self.play, "pause" if playing else "play")

    # Checkpoints

    @property
    def target(self) -> CheckpointInfo | None:
        """The checkpoint nearest to the shown step; the newest if there is no sample."""
        if not self._checkpoints:
            return None
        sample = self.sample
        if sample is None or self.slider.value() == self.slider.maximum():
            return self._checkpoints[-1]
        return min(reversed(self._checkpoints), key=lambda checkpoint: abs(checkpoint.step - sample.step))

    def _show_target(self) -> None:
        target = self.target
        self._commands.refresh("run.open")
        self.more.setEnabled(target is not None)
        self.open.setAccessibleDescription(f"Step {number_format.count(target.step)}" if target else "")

    def open_target(self) -> None:
        """Opens `target` in the Playground."""
        if self.target:
            self.opened.emit(self.target.path)


def _short(prompt: str) -> str:
    line = " ".join(itertools.islice(prompt.split(), 12)) or "(empty)"
    return line if len(line) <= _LONGEST_PROMPT else line[: _LONGEST_PROMPT - 1] + "…"


def newest_first(checkpoints: Sequence[CheckpointInfo]) -> list[CheckpointInfo]:
    """Sorts checkpoints, the newest first."""
    return sorted(checkpoints, key=lambda checkpoint: checkpoint.step, reverse=True)
