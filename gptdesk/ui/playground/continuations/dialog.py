"""Dialog that scores endings of the text before the caret."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPlainTextEdit, QWidget

from gptdesk.gpt2.mixed_text import PLACEHOLDER, MixedText
from gptdesk.ui.fonts import scaled
from gptdesk.ui.playground.continuations.table import EndingTable
from gptdesk.ui.services.inference_messages import NO_MODEL, Failure
from gptdesk.ui.services.reading.jobs import EndingsJob, ScoredEndings
from gptdesk.ui.services.services import InferenceService
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.input_dialogs.input_dialog import InputDialog
from gptdesk.ui.widgets.inputs.check_box import CheckBox

_SHOWN: Final = 80
"""Characters of the prompt's end that are shown."""

_MOST: Final = 1_000
"""Endings that are scored at once."""

_HEIGHT: Final = 528
"""Of the dialog with scores where the window has room, in pixels at a font of 13 pixels."""


class EndingsDialog(InputDialog):
    """A list of endings that the person types, and a table of their scores.

    Args:
        prompt: text before the endings.

    Attributes:
        endings: one on each line.
        space: whether a space is put before each ending.
        table: the scores; hidden before the first ones.
        problem: why there are none.
    """

    def __init__(
        self, theme: Theme, inference: InferenceService, prompt: MixedText, parent: QWidget | None = None
    ) -> None:
        super().__init__("Score continuations", "Score", parent, width=940, dismiss="Close")
        self._inference, self._prompt = inference, prompt
        self._job: EndingsJob | None = None
        self._failure = ""
        end = prompt.spelled
        shown = f"…{end[-_SHOWN:]}" if len(end) > _SHOWN else end
        self.prompt = QLabel(" ".join(shown.split()) or "The text is empty.")
        self.prompt.setTextFormat(Qt.TextFormat.PlainText)
        self.prompt.setProperty("kind", "muted")
        self.prompt.setWordWrap(True)
        self.endings = QPlainTextEdit()
        self.endings.setAccessibleName("Endings")
        self.endings.setPlaceholderText("one ending on each line")
        self.endings.setTabChangesFocus(True)
        self.endings.setMinimumHeight(scaled(60))
        self.endings.setMaximumHeight(scaled(120))
        self.space = CheckBox()
        self.space.setAccessibleName("Put a space before each ending")
        self.space.setChecked(bool(end) and not end[-1].isspace())
        self.table = EndingTable(theme)
        self.table.setMinimumHeight(scaled(100))
        self.table.hide()
        self._lay_out()
        self.endings.textChanged.connect(self._judge)
        inference.reads.endings_scored.connect(self._on_scored)
        inference.reads.failed.connect(self._on_failed)
        inference.state_changed.connect(self._on_state_changed)
        self.finished.connect(lambda: inference.reads.cancel(EndingsJob))
        self._judge()

    def _lay_out(self) -> None:
        label, space = QLabel("Endings of the text before the caret"), QLabel("Put a space before each ending")
        label.setBuddy(self.endings)
        space.setBuddy(self.space)
        option = QHBoxLayout()
        option.setSpacing(8)
        option.addWidget(self.space)
        option.addWidget(space, 1)
        self.add(label, self.prompt, self.endings, option)
        self.add(self.table, stretch=1)

    @Slot()
    def decide(self) -> None:
        """Asks the model; each ending counts once."""
        lead = " " if self.space.isChecked() else ""
        lines = self.endings.toPlainText().replace(PLACEHOLDER, "\ufffd").split("\n")
        endings = tuple(dict.fromkeys(lead + line for line in lines if line.strip()))
        self._job, self._failure = EndingsJob(self._prompt, endings), ""
        self._judge()
        self._inference.reads.score_endings(self._job)

    @Slot()
    def _judge(self) -> None:
        count = sum(bool(line.strip()) for line in self.endings.toPlainText().split("\n"))
        problem = "" if self._inference.info is not None else NO_MODEL
        if count > _MOST:
            problem = f"{count:,} endings are too many; {_MOST:,} can be scored at once."
        self.problem.show_problem("Scoring…" if self._job is not None else problem or self._failure)
        self.accept_button.setEnabled(bool(count) and not problem and self._job is None)

    @Slot(object)
    def _on_scored(self, answer: ScoredEndings) -> None:
        info, job = self._inference.info, self._job
        if info is None or job is None or (answer.job.prompt, answer.job.endings) != (job.prompt, job.endings):
            return
        self._job = None
        self.table.show_endings(answer.found, info.tokenizer)
        if self.table.isHidden():
            self.table.show()
            wanted = self.size().expandedTo(QSize(0, scaled(_HEIGHT)))
            if wanted.height() > self.room.height():
                self.endings.setMaximumHeight(self.endings.minimumHeight())
            self.resize(wanted.boundedTo(self.room))
        self._judge()

    @Slot(object)
    def _on_failed(self, failure: Failure) -> None:
        if self._job is not None:
            self._job, self._failure = None, failure.sentence
            self._judge()

    @Slot()
    def _on_state_changed(self) -> None:
        """Another model has ended the job."""
        if self._inference.info is None:
            self._job = None
        self._judge()
