"""Samples of a run: prompt, step, text, and the checkpoint nearest to the shown one."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QFont, QTextBlockFormat, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QTextEdit, QVBoxLayout, QWidget

from gptdesk.training.checkpoints import CheckpointInfo
from gptdesk.training.history.samples import Sample
from gptdesk.ui import number_format
from gptdesk.ui.fonts import prose_font, scaled
from gptdesk.ui.theme import Theme
from gptdesk.ui.train.runs.labels import SEPARATOR
from gptdesk.ui.widgets.action_button import ActionButton
from gptdesk.ui.widgets.inputs.boxes import IconMenuButton, ListBox
from gptdesk.ui.widgets.inputs.step_player import StepPlayer
from gptdesk.ui.window.commands.registry import Commands

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
        self.player = StepPlayer(theme, "Step of the sample")
        self.player.moved.connect(self._show_sample)
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
        self._lay_out()
        theme.changed.connect(self._on_theme_changed)
        self._set_font()
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
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 8)
        layout.setSpacing(8)
        layout.addLayout(opening)
        layout.addWidget(self.prompts)
        layout.addWidget(self.player)
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
        self._show_thread(newest=other or self.player.is_at_end)

    @Slot()
    def _on_prompt(self) -> None:
        self._show_thread(newest=True)

    def _show_thread(self, *, newest: bool) -> None:
        """Samples of the shown prompt, by step."""
        thread = self.thread_at_hand
        found = [sample for sample in self._samples if (sample.prompt, sample.seed) == thread]
        self._shown = sorted(found, key=lambda sample: sample.step)
        self.player.set_count(len(self._shown), choose_last=newest)
        self.caption.setVisible(bool(self._shown))
        self._show_sample()

    @property
    def sample(self) -> Sample | None:
        """The shown sample."""
        place = self.player.index
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
        self.player.slider.setAccessibleDescription(self.caption.text())
        cursor = QTextCursor(self.text.document())
        block = QTextBlockFormat()
        block.setLineHeight(_LINE_HEIGHT, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        cursor.setBlockFormat(block)
        bold, plain = QTextCharFormat(), QTextCharFormat()
        bold.setFontWeight(QFont.Weight.DemiBold)
        cursor.insertText(sample.prompt, bold)
        cursor.insertText(sample.text, plain)
        self.text.moveCursor(QTextCursor.MoveOperation.Start)

    # Checkpoints

    @property
    def target(self) -> CheckpointInfo | None:
        """The checkpoint nearest to the shown step; the newest if there is no sample."""
        if not self._checkpoints:
            return None
        sample = self.sample
        if sample is None or self.player.is_at_end:
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
