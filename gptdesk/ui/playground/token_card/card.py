"""The card of one token: what it is, its alternatives, what each sampler did, and why it was chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QEvent, QPoint, Qt, Signal, Slot
from PySide6.QtGui import QHideEvent, QKeyEvent
from PySide6.QtWidgets import QApplication, QFrame, QLabel, QVBoxLayout, QWidget

from gptdesk.gpt2.mixed_text import MixedText
from gptdesk.ui import number_format
from gptdesk.ui.fonts import scaled
from gptdesk.ui.playground.token_card.bars import CandidateBars
from gptdesk.ui.playground.token_card.labels import (
    Candidate,
    candidates,
    next_sentence,
    percent,
    stage_sentences,
    token_text,
    why,
)
from gptdesk.ui.playground.token_card.place import TokenPlace
from gptdesk.ui.services.reading.jobs import InspectedToken, InspectJob
from gptdesk.ui.services.services import InferenceService
from gptdesk.ui.theme import Theme

if TYPE_CHECKING:
    from gptdesk.gpt2.tokenizer import Tokenizer

_WIDTH: Final = 380
_SHOWN: Final = 9
"""As many alternatives as number keys."""

_WAITING: Final = "The model reads the text…"
_HINT: Final = "Click one, or press its number: the text goes on from there as a new branch."


class TokenCard(QFrame):
    """A card over the window about one token. Number keys choose an alternative; Esc closes it, and so does a click
    beside it.

    Attributes:
        heading: the token.
        facts: its number, bytes, rank and probability.
        bars: the alternatives.
        steps: what each sampler did.
        reason: why it was chosen.

    Signals:
        chosen(int, str): emitted with the place of the token and the text of the alternative to go on from there.
        closed(): emitted when it was closed.
    """

    chosen = Signal(int, str)
    closed = Signal()

    def __init__(self, theme: Theme, inference: InferenceService, parent: QWidget) -> None:
        super().__init__(parent)
        self.hide()
        self._inference, self._over = inference, parent
        self._place: TokenPlace | None = None
        self._job: InspectJob | None = None
        self.setObjectName("token_card")
        self.setAccessibleName("Token card")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFixedWidth(scaled(_WIDTH))
        self.heading, self.reason, self.hint, self.steps = (QLabel() for _ in range(4))
        self.facts = QLabel()
        self.bars = CandidateBars(theme, _SHOWN, keys=True)
        for label in (self.heading, self.facts, self.reason, self.hint, self.steps):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
        self.heading.setProperty("kind", "heading")
        for label in (self.facts, self.hint, self.steps):
            label.setProperty("kind", "muted")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.setSpacing(8)
        for widget in (self.heading, self.facts, self.bars, self.steps, self.reason, self.hint):
            layout.addWidget(widget)
        self.bars.chosen.connect(self._on_chosen)
        inference.reads.inspected.connect(self._on_inspected)
        inference.reads.failed.connect(self._on_failed)
        QApplication.instance().focusChanged.connect(self._on_focus_changed)  # type: ignore[union-attr]

    def show_token(self, place: TokenPlace, tokenizer: Tokenizer, text: MixedText, at: QPoint) -> None:
        """Shows the token at ``place`` and asks the model about it.

        Args:
            place: of the token.
            tokenizer: of the model.
            text: the document's, with special tokens.
            at: upper left corner, in pixels of the screen; the card stays inside of its parent.
        """
        self._place = place
        self.heading.setText("Next token" if place.id is None else f"“{token_text(tokenizer.piece(place.id))}”")
        self.facts.setText("" if place.id is None else _identity(place.id, tokenizer))
        self.facts.setVisible(place.id is not None)
        self.bars.show_candidates([])
        self.steps.hide()
        self.hint.hide()
        self.reason.setText(_WAITING)
        self.adjustSize()
        self._move_to(self._over.mapFromGlobal(at))
        self.show()
        self.raise_()
        self.setFocus()
        self._job = InspectJob(place.prompt, place.sampled, place.settings, place.seed, text, asker="card")
        self._inference.reads.inspect(self._job)

    @Slot(object)
    def _on_inspected(self, answer: InspectedToken) -> None:
        place, info = self._place, self._inference.info
        if not self._is_asked(answer) or place is None or info is None:
            return
        shown, tokenizer = answer.found.xray, info.tokenizer
        self.bars.show_candidates(candidates(shown, tokenizer, _SHOWN), current=place.id)
        sentences = stage_sentences(shown, answer.job.settings)
        if not answer.found.exact:
            sentences.append("Mirostat is shown as at the beginning: its limit here depends on the tokens before.")
        self.steps.setText("\n".join(sentences))
        self.steps.setVisible(bool(sentences))
        if place.id is None:
            self.reason.setText(next_sentence(shown, place.seed, tokenizer))
        else:
            raw = shown.stages[0].probs
            rank = number_format.count(1 + int((raw > raw[place.id]).sum()))
            chance = percent(float(raw[place.id]))
            self.facts.setText(f"{_identity(place.id, tokenizer)} · rank {rank} · {chance}")
            self.reason.setText(why(place, answer.found, place.id, info.model))
        self.hint.setText(_HINT)
        self.hint.show()
        corner = self.pos()
        self.adjustSize()
        self._move_to(corner)

    @Slot(object)
    def _on_failed(self, failure: object) -> None:
        sentence = getattr(failure, "sentence", "")
        if self.isVisible() and sentence:
            self.reason.setText(sentence)

    def _is_asked(self, answer: InspectedToken) -> bool:
        return self.isVisible() and self._job is not None and answer.job.question == self._job.question

    def _move_to(self, corner: QPoint) -> None:
        """Moves it there, or as near as its parent allows."""
        room = self._over.size() - self.size()
        self.move(max(0, min(corner.x(), room.width())), max(0, min(corner.y(), room.height())))

    @Slot(QWidget, QWidget)
    def _on_focus_changed(self, _: QWidget | None, now: QWidget | None) -> None:
        """Closes once the focus is somewhere else in the window."""
        if self.isVisible() and now is not None and now is not self and not self.isAncestorOf(now):
            self.hide()

    @Slot(object)
    def _on_chosen(self, candidate: Candidate) -> None:
        place = self._place
        self.hide()
        if place is not None:
            self.chosen.emit(place.start, candidate.piece)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.text().isdigit() and self.bars.press(int(event.text())):
            return
        if event.key() == Qt.Key.Key_Escape:
            self.hide()
            return
        super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """Keeps its keys from the window's commands."""
        if event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
            return super().event(event)
        event.setAccepted(event.key() == Qt.Key.Key_Escape or event.text().isdigit())
        return event.isAccepted()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._job = None
        self.closed.emit()


def _identity(id: int, tokenizer: Tokenizer) -> str:
    """Token 1169 · bytes 20 74 68 65."""
    data = tokenizer.token_bytes(id)
    return f"id {id}" + (f" · bytes {data.hex(' ')}" if data else "")
