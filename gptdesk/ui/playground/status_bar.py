"""Status bar: what the model is doing, how fast, and how much of its context is used."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from gptdesk.inference.events import DoneEvent, precision_label
from gptdesk.store.provenance.facts import FINISH_REASONS
from gptdesk.ui import number_format
from gptdesk.ui.model_state import show_state
from gptdesk.ui.services.generation import Generation
from gptdesk.ui.services.inference_messages import State
from gptdesk.ui.services.services import InferenceService
from gptdesk.ui.services.token_counter import Counts
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.action_button import ActionButton
from gptdesk.ui.widgets.elided_label import ElidedLabel
from gptdesk.ui.widgets.layout.page_bars import STATUS_HEIGHT, set_up_bar
from gptdesk.ui.widgets.status_dot import StatusDot
from gptdesk.ui.widgets.tooltips import wrapped
from gptdesk.ui.window.commands.registry import Commands

_SPEED_EVERY_MS: Final = 250
"""A number that changes faster cannot be read."""

_COMPILING_HELP: Final = (
    "The decoder is being compiled for this processor, once, in about half a minute. Generations that begin after that "
    "are several times faster."
)
_CANCEL: Final = "inference.cancel_load"
_SEPARATOR: Final = "  ·  "


class StatusBar(QWidget):
    """Shows the state of the inference service, the token count and the figures of the last generation."""

    def __init__(
        self, theme: Theme, inference: InferenceService, commands: Commands, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._inference = inference
        self._done: DoneEvent | None = None
        self._progress = ""
        self._counts: Counts | None = None
        self.dot = StatusDot(theme)
        self.state = QLabel()
        self.state.setAccessibleName("State")
        self.figures = ElidedLabel()
        self.figures.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)  # shortened first
        self.figures.setProperty("kind", "muted")
        self.figures.setAccessibleName("Figures of the last generation")
        self._commands = commands
        self.cancel = ActionButton(commands.action(_CANCEL), "Cancel")
        self.cancel.setProperty("kind", "small")
        self.compiling = ElidedLabel("Compiling the decoder (slower until then)")
        self.compiling.setProperty("kind", "muted")
        self.compiling.setAccessibleName("Compiling")
        self.compiling.setAccessibleDescription(_COMPILING_HELP)
        self.compiling.help = _COMPILING_HELP
        self.tokens = QLabel()
        self.tokens.setProperty("kind", "muted")
        self.tokens.setAccessibleName("Tokens")

        set_up_bar(self, STATUS_HEIGHT)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 0, 16, 0)
        layout.setSpacing(8)
        for widget in (self.dot, self.state, self.cancel, self.compiling):
            layout.addWidget(widget)
        layout.addSpacing(8)
        layout.addWidget(self.figures, 1)
        layout.addWidget(self.tokens)

        self._timer = QTimer(self)
        self._timer.setInterval(_SPEED_EVERY_MS)
        self._timer.timeout.connect(self._show_figures)
        inference.state_changed.connect(self._show)
        inference.progress.connect(self._on_progress)
        self._show()

    def show_counts(self, counts: Counts | None) -> None:
        """Shows the token count of the text; nothing for ``None``, while it is being counted."""
        self._counts = counts
        self._show_counts()

    def show_result(self, done: DoneEvent | None) -> None:
        """Shows the figures of the last generation while none is running; ``None`` for none."""
        self._done = done
        self._show_figures()

    def _on_progress(self, done: int, total: int) -> None:
        self._progress = f" {number_format.decimal(100 * done / total, 0)} %" if total else ""
        self._show()

    def _show(self) -> None:
        state = self._inference.state
        words = show_state(self.dot, state)
        if state is State.LOADING:
            words += self._progress
        else:
            self._progress = ""
        if self._inference.queued:
            words += "; your text continues as soon as the model is there" if state is State.LOADING else ""
        self.state.setText(words)
        self._commands.refresh(_CANCEL)
        self.cancel.setVisible(state is State.LOADING)
        info = self._inference.info
        self.compiling.setVisible(info is not None and info.compiling and state is not State.LOADING)
        if state is State.GENERATING and not self._timer.isActive():
            self._timer.start()
        elif state is not State.GENERATING:
            self._timer.stop()
            self._show_figures()
        self._show_counts()

    def _show_figures(self) -> None:
        done, generation = self._done, self._inference.current
        if generation is not None and self._inference.state is State.GENERATING:
            self._show_figure(_SEPARATOR.join(_so_far(generation)), "")
        elif done and done.completion_tokens:
            self._show_figure(_SEPARATOR.join(_summary(done)), _explanation(done))
        else:
            self._show_figure("", "")

    def _show_figure(self, text: str, help: str) -> None:
        self.figures.setText(text)
        self.figures.help = help
        self.figures.setToolTip(wrapped(help))  # the label adds its text where that is shortened

    def _show_counts(self) -> None:
        counts, info = self._counts, self._inference.info
        if counts is None:
            self.tokens.setText("")
            return
        used, size = counts.context, info.context if info else 0
        full = 0 < size < used
        if full:
            self.tokens.setText(f"{number_format.tokens(used)}, more than the context of {number_format.count(size)}")
        else:
            whole = f"{number_format.count(used)} of {number_format.tokens(size)} of context"
            self.tokens.setText(whole if size else number_format.tokens(used))
        kind = "warn" if full else "muted"
        if self.tokens.property("kind") != kind:
            self.tokens.setProperty("kind", kind)
            self.tokens.style().unpolish(self.tokens)
            self.tokens.style().polish(self.tokens)
        self.tokens.setToolTip(wrapped(_about_counts(counts, size)))


def _about_counts(counts: Counts, size: int) -> str:
    """Tooltip of the token count.

    Args:
        counts: of the text.
        size: the model's context, in tokens; 0 without a model.
    """
    before = f", {number_format.count(counts.prompt)} of them before the last generation"
    sentences = [
        f"The text has {number_format.tokens(counts.context)}{before if counts.prompt < counts.context else ''}."
    ]
    if size and counts.context > size:
        sentences.append(f"The model reads only the last {number_format.tokens(size)} of it at most.")
    elif size:
        sentences.append(f"The model reads at most {number_format.tokens(size)}; of a longer text, the last part.")
    return " ".join(sentences)


def _so_far(generation: Generation) -> list[str]:
    if generation.prepared is not None:
        return [f"reading what changes the model, {number_format.decimal(100 * generation.prepared, 0)} %"]
    speed = generation.speed
    return [number_format.tokens(generation.token_count), *([number_format.speed(speed)] if speed else [])]


def _summary(done: DoneEvent) -> list[str]:
    parts = [number_format.speed(done.tokens_per_s)] if done.tokens_per_s else []
    return [
        *parts,
        f"first token {number_format.duration(done.ttft_ms)}",
        f"stopped: {FINISH_REASONS[done.finish_reason]}",
    ]


def _explanation(done: DoneEvent) -> str:
    drafts = f"; {done.accepted_tokens} of {done.draft_tokens} draft tokens accepted" if done.draft_tokens else ""
    return (
        f"{number_format.tokens(done.completion_tokens)} after a prompt of {number_format.count(done.prompt_tokens)}, "
        f"seed {done.seed}, on {done.device} in {precision_label(done.precision, done.backend)}{drafts}"
    )
