"""The card of one token: what it is, its alternatives, what each sampler did, and why it was chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QEvent, QPoint, Qt, Signal, Slot
from PySide6.QtGui import QHideEvent, QKeyEvent
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from gptdesk.errors import UserError
from gptdesk.gpt2.mixed_text import MixedText
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.ui.fonts import scaled
from gptdesk.ui.playground.token_card.bars import CandidateBars
from gptdesk.ui.playground.token_card.bias_menu import fill_bias_menu, open_bias_menu
from gptdesk.ui.playground.token_card.labels import (
    Candidate,
    candidate,
    candidates,
    facts_text,
    identity_text,
    next_sentence,
    token_text,
    what_if,
    why,
)
from gptdesk.ui.playground.token_card.place import TokenPlace
from gptdesk.ui.playground.token_card.step_rows import StepRows
from gptdesk.ui.playground.token_card.steps import steps_of
from gptdesk.ui.services.reading.jobs import InspectedToken, InspectJob
from gptdesk.ui.services.services import InferenceService
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.inputs.boxes import MenuButton
from gptdesk.ui.widgets.popup import Menu

if TYPE_CHECKING:
    from gptdesk.gpt2.tokenizer import Tokenizer
    from gptdesk.inference.inspection.token_choice import Inspection

_WIDTH: Final = 516
_SHOWN: Final = 9
"""As many alternatives as number keys."""

_WAITING: Final = "The model reads the text…"
_HINT: Final = (
    "Click one, or press its number: the text goes on from there as a new branch. Drag a line to try a setting."
)


class TokenCard(QFrame):
    """A card over the window about one token. Number keys choose an alternative; Esc closes it, and so does a click
    beside it. While a setting is tried, Esc puts it back.

    Args:
        bias_of: returns the bias of a token in the document.

    Attributes:
        heading: the token.
        facts: its number, bytes, rank and probability.
        bars: the alternatives, and the token itself.
        steps: what each sampler did.
        reason: why it was chosen, or what settings that are tried would change.
        take, put_back: buttons that make the settings that are tried those of the document, or forget them.
        bias: menu of biases of the token.

    Signals:
        chosen(int, str): emitted with the place of the token and the text of the alternative to go on from there.
        taken(object): emitted with values of settings, by name, that the document is to have.
        biased(int, float): emitted with the id of a token and the bias that it is to have in the document.
        closed(): emitted when it was closed.
    """

    chosen = Signal(int, str)
    taken = Signal(object)
    biased = Signal(int, float)
    closed = Signal()

    def __init__(
        self, theme: Theme, inference: InferenceService, bias_of: Callable[[int], float], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.hide()
        self._inference, self._bias_of, self._over = inference, bias_of, parent
        self._place: TokenPlace | None = None
        self._job: InspectJob | None = None
        self._found: Inspection | None = None  # with the settings in force
        self._tried: dict[str, Any] = {}
        self.setObjectName("token_card")
        self.setAccessibleName("Token card")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFixedWidth(scaled(_WIDTH))
        self.heading, self.facts, self.reason, self.hint = (QLabel() for _ in range(4))
        self.bars = CandidateBars(theme, _SHOWN + 1, keys=True)
        self.steps = StepRows(theme)
        self.take = QPushButton("Use in this document")
        self.put_back = QPushButton("Put back")
        self.put_back.setToolTip("Esc")
        self._bias_menu = Menu(self)
        self.bias = MenuButton("flat", self._bias_menu)
        self.bias.setText("Bias")
        self.bias.setAccessibleName("Bias of the token")
        self.bias.setToolTip("Make this token more or less likely in the document, or ban it")
        self._lay_out()
        self.bars.chosen.connect(self._on_chosen)
        self.bars.menu_wanted.connect(self._open_menu)
        self.steps.moved.connect(self.try_value)
        self.take.clicked.connect(self._take)
        self.put_back.clicked.connect(self._put_back)
        self._bias_menu.aboutToShow.connect(self._fill_menu)
        inference.reads.inspected.connect(self._on_inspected)
        inference.reads.failed.connect(self._on_failed)
        QApplication.instance().focusChanged.connect(self._on_focus_changed)  # type: ignore[union-attr]

    def _lay_out(self) -> None:
        for label in (self.heading, self.facts, self.reason, self.hint):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
        self.heading.setProperty("kind", "heading")
        for label in (self.facts, self.hint):
            label.setProperty("kind", "muted")
        self.reason.setMinimumHeight(
            2 * self.reason.fontMetrics().lineSpacing()
        )  # a line that is dragged moves nothing
        self.reason.setAlignment(Qt.AlignmentFlag.AlignTop)
        head, self._buttons = QHBoxLayout(), QWidget()
        head.addWidget(self.heading, 1)
        head.addWidget(self.bias)
        buttons = QHBoxLayout(self._buttons)
        buttons.setContentsMargins(0, 0, 0, 0)
        buttons.addWidget(self.take)
        buttons.addWidget(self.put_back)
        buttons.addStretch(1)
        self._column = layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.setSpacing(8)
        layout.addLayout(head)
        for widget in (self.facts, self.bars, self.steps, self.reason, self._buttons, self.hint):
            layout.addWidget(widget)

    def show_token(self, place: TokenPlace, tokenizer: Tokenizer, text: MixedText, at: QPoint) -> None:
        """Shows the token at ``place`` and asks the model about it.

        Args:
            place: of the token.
            tokenizer: of the model.
            text: the document's, with special tokens.
            at: upper left corner, in pixels of the screen; the card stays inside of its parent.
        """
        self._place, self._found, self._tried = place, None, {}
        self.heading.setText("Next token" if place.id is None else f"“{token_text(tokenizer.piece(place.id))}”")
        self.facts.setText("" if place.id is None else identity_text(place.id, tokenizer))
        for widget in (self.facts, self.bias):
            widget.setVisible(place.id is not None)
        self.bars.show_candidates([])
        for part in (self.steps, self._buttons, self.hint):
            part.hide()
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
        if self.isVisible() and self._job is not None and answer.job.question == self._job.question:
            self._found = answer.found
            self._show_found()

    @Slot(object)
    def _on_failed(self, failure: object) -> None:
        sentence = getattr(failure, "sentence", "")
        if self.isVisible() and sentence:
            self.reason.setText(sentence)

    # What is shown

    def _show_found(self) -> None:
        """Shows the choice with the settings in force, and those that are tried."""
        place, info, found = self._place, self._inference.info, self._found
        if place is None or info is None or found is None:
            return
        try:
            shown = found.again(replace(found.chain.settings, **self._tried)) if self._tried else found
        except UserError as error:
            self._show_reason(str(error))
            return
        tokenizer, settings = info.tokenizer, shown.chain.settings
        listed = candidates(shown.xray, tokenizer, _SHOWN)
        if place.id is not None and place.id not in (one.id for one in listed):
            listed.append(candidate(shown.xray, tokenizer, place.id))
        self.bars.show_candidates(listed, current=place.id)
        self.steps.show_steps(steps_of(shown.xray, settings, tokenizer, also=self._tried))
        self.steps.show()
        if self._tried:
            self._show_reason(what_if(found, shown, place.id, tokenizer))
        elif place.id is None:
            self._show_reason(next_sentence(found.xray, place.seed, tokenizer))
        else:
            self._show_reason(why(place, found, place.id, info.model, tokenizer))
        if place.id is not None:
            self.facts.setText(facts_text(place.id, found.xray, tokenizer))

    def _show_reason(self, text: str) -> None:
        self.reason.setText(text)
        self._buttons.setVisible(bool(self._tried))
        self.hint.setText(_HINT)
        self.hint.setVisible(not self._tried)
        corner = self.pos()
        self._column.activate()
        self.adjustSize()
        self._move_to(corner)

    def _move_to(self, corner: QPoint) -> None:
        """Moves it there, or as near as its parent allows."""
        room = self._over.size() - self.size()
        self.move(max(0, min(corner.x(), room.width())), max(0, min(corner.y(), room.height())))

    # Settings that are tried, and biases

    @Slot(str, object)
    def try_value(self, name: str, value: object) -> None:
        """Shows what would change with another value of a setting, without the model."""
        if self._found is None:
            return
        self._tried = {**self._tried, name: value}
        if all(getattr(self._found.chain.settings, name) == value for name, value in self._tried.items()):
            self._tried = {}
        self._show_found()

    @Slot()
    def _put_back(self) -> None:
        self._tried = {}
        self.setFocus()
        self._show_found()

    @Slot()
    def _take(self) -> None:
        tried = self._tried
        self._put_back()
        self.taken.emit(tried)

    def follow(self, settings: DecodingSettings) -> None:
        """Shows the choice with new settings of the document, unless a generation chose the token with its own."""
        if self._found is not None and self._place is not None and self._place.origin is None:
            try:
                self._found = self._found.again(settings)
            except UserError as error:
                self._show_reason(str(error))
            else:
                self._show_found()

    @Slot()
    def _fill_menu(self) -> None:
        id = None if self._place is None else self._place.id
        if id is not None:
            fill_bias_menu(self._bias_menu, self._bias_of(id), lambda bias: self.biased.emit(id, bias))

    @Slot(object, QPoint)
    def _open_menu(self, candidate: Candidate, at: QPoint) -> None:
        open_bias_menu(self, at, self._bias_of(candidate.id), lambda bias: self.biased.emit(candidate.id, bias))

    # Choosing and closing

    @Slot(object)
    def _on_chosen(self, candidate: Candidate) -> None:
        place = self._place
        self.hide()
        if place is not None:
            self.chosen.emit(place.start, candidate.piece)

    @Slot(QWidget, QWidget)
    def _on_focus_changed(self, _: QWidget | None, now: QWidget | None) -> None:
        """Closes once the focus is somewhere else in the window."""
        if self.isVisible() and now is not None and now is not self and not self.isAncestorOf(now):
            self.hide()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.text().isdigit() and self.bars.press(int(event.text())):
            return
        if event.key() == Qt.Key.Key_Escape and self._tried:
            self._put_back()
        elif event.key() == Qt.Key.Key_Escape:
            self.hide()
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """Keeps its keys from the window's commands."""
        if event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
            return super().event(event)
        event.setAccepted(event.key() == Qt.Key.Key_Escape or event.text().isdigit())
        return event.isAccepted()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._job, self._found, self._tried = None, None, {}
        self.closed.emit()
