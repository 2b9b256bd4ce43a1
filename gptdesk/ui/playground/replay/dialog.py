"""Dialog that tells where generated text comes from, generates it again and compares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from gptdesk.errors import UserError
from gptdesk.store.document import Document
from gptdesk.store.provenance.facts import facts
from gptdesk.store.provenance.replay import Replay, replay_of, why_not
from gptdesk.store.runs import Origin
from gptdesk.ui import number_format
from gptdesk.ui.playground.replay.labels import outcome
from gptdesk.ui.playground.replay.running import Replayed, RunningReplay, loaded_model
from gptdesk.ui.playground.session import Session
from gptdesk.ui.services.inference_messages import NO_MODEL, Failure, State
from gptdesk.ui.services.services import Services
from gptdesk.ui.widgets.dialog import Dialog
from gptdesk.ui.widgets.long_words import wrappable

_SHOWN: Final = 90
"""Characters of the generated text that are shown."""


class ReplayDialog(Dialog):
    """Facts of a generation and the result of its replay, which begins when the dialog opens.

    Args:
        generation: one that is in the session's document.

    Attributes:
        values: labels with the facts, by title.
        answer: what came of it, or why it cannot be done.
        again: generates again, or stops that.
        branch: puts what came out into the document as a branch; hidden if it is the same text.
        load: loads the model, or loads it as it was; hidden where that would not help.
    """

    def __init__(self, services: Services, session: Session, generation: str, parent: QWidget | None = None) -> None:
        super().__init__("Replay generation", parent, width=560)
        self._services, self._inference, self._session = services, services.inference, session
        self._document, self._generation = session.document, generation
        self._running: RunningReplay | None = None
        self._replay: Replay | None = None
        self._found: Replayed | None = None
        self._waits = False  # for a model that is being loaded
        self._load_it: Callable[[], object] = lambda: None
        text, origin = _text_and_origin(self._document, generation)
        self._origin = origin
        self.text, self.answer = QLabel(wrappable(f"“{text}”")), QLabel()
        for label in (self.text, self.answer):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
        self.text.setProperty("kind", "heading")
        self.answer.setAccessibleName("Result")
        self.values = {title: _value_label(title, value) for title, value in facts(origin)}
        self.again, self.branch, self.load = QPushButton("Replay"), QPushButton("Keep as a branch"), QPushButton()
        self.close_button = QPushButton("Close")
        self._lay_out()
        self.again.clicked.connect(self._on_again)
        self.branch.clicked.connect(self._keep)
        self.load.clicked.connect(self._on_load)
        self.close_button.clicked.connect(self.reject)
        self._inference.state_changed.connect(self._on_state_changed)
        self._begin()

    def _lay_out(self) -> None:
        table = QGridLayout()
        table.setHorizontalSpacing(16)
        table.setVerticalSpacing(4)
        table.setColumnStretch(1, 1)
        for row, (title, value) in enumerate(self.values.items()):
            name = QLabel(title)
            name.setProperty("kind", "muted")
            table.addWidget(name, row, 0, Qt.AlignmentFlag.AlignTop)
            table.addWidget(value, row, 1)
        self.again.setProperty("kind", "accent")
        self.again.setDefault(True)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addStretch(1)
        for button in (self.close_button, self.load, self.branch, self.again):
            button.setAutoDefault(button is self.again)
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 24)
        layout.setSpacing(12)
        layout.addWidget(self.text)
        layout.addLayout(table)
        layout.addWidget(self.answer)
        layout.addLayout(buttons)

    # Running

    def _begin(self) -> None:
        """Begins, or says why that is not possible."""
        self._found, self._waits = None, False
        self.load.hide()
        try:
            self._replay = replay_of(self._document, self._generation)
            if problem := self._problem():
                self._offer_to_load()
                raise UserError(problem)
            if not self._waits:
                self._start(self._replay)
        except UserError as error:
            self._show(str(error))

    def _start(self, replay: Replay) -> None:
        running = RunningReplay(replay, self._inference, self)
        running.progressed.connect(self._on_progressed)
        running.finished.connect(self._on_finished)
        running.failed.connect(self._on_failed)
        self._running = running
        self._on_progressed(0)

    def _problem(self) -> str:
        """Why the model in use cannot do it; empty if it can, or if it is being loaded, which is waited for."""
        if self._inference.loading is not None:
            self._waits = True
            self._show("The model is being loaded…")
            return ""
        info = self._inference.info
        if info is None:
            return NO_MODEL
        if info.weights is None and self._origin.weights:
            self._waits = True
            self._show("The weights of the model are being hashed…")
            return ""
        return why_not(self._origin, loaded_model(info))

    def _offer_to_load(self) -> None:
        """Shows a button that loads the model that generated the text, as it was loaded then."""
        info, origin, settings = self._inference.info, self._origin, self._services.settings
        if info is None or info.model != origin.model:
            self._load_it = lambda: self._services.activation.use(origin.model, self)
            self.load.setText("Use that model")
            self.load.setVisible(bool(origin.model))
        elif origin.device and origin.precision and (info.device, info.precision) != (origin.device, origin.precision):
            device = origin.device.partition(":")[0]
            self._load_it = lambda: settings.update(device=device, precision=origin.precision)
            self.load.setText(f"Load on {device} in {origin.precision}")
            self.load.show()

    @Slot()
    def _on_load(self) -> None:
        self.load.hide()
        self._waits = True
        self._load_it()

    @Slot()
    def _on_state_changed(self) -> None:
        """Begins once the model is there that it waits for."""
        if self._waits and self._inference.state is State.READY:
            self._begin()
        elif self._waits and self._inference.state is State.EMPTY:
            self._waits = False
            self._show(f"The model {self._origin.model} cannot be loaded; a message in the window says why.")

    @Slot()
    def _on_again(self) -> None:
        if self._running is not None:
            self._running.stop()
        else:
            self._begin()

    @Slot(int)
    def _on_progressed(self, count: int) -> None:
        assert self._replay is not None
        self._show(f"{number_format.count(count)} of {number_format.tokens(len(self._replay.ids))}…")

    @Slot(object)
    def _on_finished(self, found: Replayed | None) -> None:
        self._running, self._found = None, found
        info = self._inference.info
        if found is None or info is None or self._replay is None:
            self._show("Stopped.")
        else:
            self._show(outcome(self._replay, found, loaded_model(info), info.tokenizer))

    @Slot(object)
    def _on_failed(self, failure: Failure) -> None:
        self._running = None
        self._show(failure.sentence)

    def _show(self, sentence: str) -> None:
        self.answer.setText(wrappable(sentence))
        self.answer.setAccessibleDescription(sentence)
        self.again.setText("Replay" if self._running is None else "Stop")
        parts = self._found is not None and self._found.parts_at is not None
        self.branch.setVisible(parts and self._session.document is self._document)

    @Slot()
    def _keep(self) -> None:
        """Puts what came out into the document."""
        found, replay = self._found, self._replay
        if found is not None and replay is not None and self._session.document is self._document:
            self._session.put_branch(lambda document: found.put_into(document, replay.start))
        self.accept()


def _text_and_origin(document: Document, generation: str) -> tuple[str, Origin]:
    """The beginning of a generation's text, and where it comes from."""
    runs = [run for run in document.runs if run.origin is not None and run.origin.generation == generation]
    text = " ".join("".join(run.mixed.spelled for run in runs).split())
    assert runs[0].origin is not None
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…", runs[0].origin


def _value_label(title: str, value: str) -> QLabel:
    label = QLabel(wrappable(value))
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setAccessibleName(f"{title}: {value}")
    return label
