"""The distribution of the next token at the caret, before and after the settings, as a block under the sliders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QPoint, Qt, Signal, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from gptdesk.power_saver import power_saver_is_on
from gptdesk.ui.playground.session import Session
from gptdesk.ui.playground.token_card.bars import CandidateBars
from gptdesk.ui.playground.token_card.labels import Candidate, candidates, next_sentence
from gptdesk.ui.playground.token_card.place import TokenPlace, next_place
from gptdesk.ui.playground.token_card.steps import effects, steps_of
from gptdesk.ui.services.reading.jobs import InspectedToken, InspectJob
from gptdesk.ui.services.services import Services
from gptdesk.ui.throttle import Debounce, Throttle
from gptdesk.ui.widgets.layout.collapsible_section import CollapsibleSection

TITLE: Final = "Next token"

_SHOWN: Final = 6
"""Candidates in the block."""

_PAUSE_MS: Final = 250
"""Without a change of the text before the model is asked: a little after it has been read ahead."""

_SLIDER_MS: Final = 33
"""Between two questions while a slider moves."""

_NO_MODEL: Final = "Shown once a model is loaded."
_OFF: Final = "Not shown while reading ahead is off."
_SAVES_POWER: Final = "Not shown while the computer saves power."
_NO_TEXT: Final = "Shown once there is text before the caret."
_BUSY: Final = "Shown once the completion has ended."
_ASKED: Final = "Asking the model…"


class NextToken(QFrame):
    """Asks the model about the token behind the caret, whenever text, caret or settings have changed.

    Args:
        services: of the window.
        session: the open document and its generation.
        caret: returns the place of the caret, in characters of the document.

    Attributes:
        section: the block, which folds; nothing is asked while it is closed.
        bars: the most likely tokens.
        summary: how many tokens the settings leave.

    Signals:
        chosen(int, str): emitted with a place and the text of the token that the person wants there.
        bias_wanted(object, QPoint): emitted with a `Candidate` and a place of the screen, for the menu of its bias.
        explained(object): emitted with what each setting does to the distribution, by its name; empty where that is
            not known.
    """

    chosen = Signal(int, str)
    bias_wanted = Signal(object, QPoint)
    explained = Signal(object)

    def __init__(
        self, services: Services, session: Session, caret: Callable[[], int], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._inference, self._settings = services.inference, services.settings
        self._session, self._caret = session, caret
        self._job: InspectJob | None = None
        self._answered: InspectJob | None = None  # what the bars show
        self.bars = CandidateBars(services.theme, _SHOWN, keys=False)
        self.summary = QLabel()
        self.note = QLabel(_NO_MODEL)
        for label in (self.summary, self.note):
            label.setWordWrap(True)
            label.setProperty("kind", "muted")
            label.setTextFormat(Qt.TextFormat.PlainText)
        self.section = CollapsibleSection(services.theme, TITLE, self)
        self.section.button.setAccessibleName(TITLE)
        self.section.column.setSpacing(6)
        for widget in (self.note, self.bars, self.summary):
            self.section.column.addWidget(widget)
        self.setProperty("zone", "surface")
        line = QFrame()
        line.setProperty("line", "horizontal")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(line)
        inner = QVBoxLayout()
        inner.setContentsMargins(16, 8, 12, 8)
        inner.addWidget(self.section)
        layout.addLayout(inner)
        self._shown = services.settings.value.decoding, services.settings.value.read_ahead
        self._pause = Debounce(self._ask, _PAUSE_MS, self)
        self._slider = Throttle(self._ask, _SLIDER_MS, self)
        self.section.set_open(TITLE not in services.settings.value.closed_groups)
        self._connect()
        self._show_note(_NO_MODEL)

    def _connect(self) -> None:
        self.section.toggled.connect(self._on_toggled)
        self.bars.chosen.connect(self._on_chosen)
        self.bars.menu_wanted.connect(self.bias_wanted)
        self._session.changed.connect(self._on_moved)
        self._session.opened.connect(self._on_opened)
        self._settings.changed.connect(self._on_settings_changed)
        self._inference.state_changed.connect(self._on_state_changed)
        self._inference.reads.inspected.connect(self._on_inspected)
        self._inference.reads.failed.connect(self._on_failed)

    def follow_caret(self) -> None:
        """The caret has moved."""
        self._on_moved()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._explain()
        self._pause.request()

    def stop(self) -> None:
        """Asks nothing more."""
        self._pause.cancel()
        self._slider.cancel()

    @Slot()
    def _on_moved(self) -> None:
        """Another token is the next one: what is shown is not about that."""
        if self.note.isHidden() and not self._is_answered():
            if not self.bars.isHidden():
                self._hide_bars(keep_room=True)  # nothing jumps with each key
            self.summary.setText(_BUSY if self._session.busy else _ASKED)
        self._pause.request()

    def _is_answered(self) -> bool:
        """Whether the bars are about the token behind the caret."""
        shown = self._answered
        return shown is not None and shown.text == self._session.document.mixed and shown.prompt == self._next().prompt

    def _ask(self) -> None:
        if not self.section.is_open or not self.isVisible():
            return
        self._explain()
        if self._session.busy or self._reason():
            return
        place = self._next()
        self._job = InspectJob(place.prompt, (), place.settings, None, self._session.document.mixed, asker="next token")
        self._inference.reads.inspect(self._job)

    def _next(self) -> TokenPlace:
        return next_place(self._session.document.mixed, self._caret(), self._settings.value.decoding)

    def _reason(self) -> str:
        """Why the model cannot be asked now; empty if it can."""
        info = self._inference.info
        if info is None:
            return _NO_MODEL
        if not self._settings.value.read_ahead:
            return _OFF
        if power_saver_is_on():
            return _SAVES_POWER
        prompt = self._next().prompt
        assert not isinstance(prompt, tuple)
        return "" if prompt.text or info.tokenizer.start_of_text is not None else _NO_TEXT

    def _explain(self) -> None:
        """Says why there is no distribution; leaves one that is shown until a newer one arrives."""
        reason = self._reason()
        if reason:
            self._job = None  # a late answer must not replace the reason
            self._show_note(reason)
        elif not self.note.isHidden():
            self._show_note(_BUSY if self._session.busy else _ASKED)

    @Slot(object)
    def _on_inspected(self, answer: InspectedToken) -> None:
        info = self._inference.info
        if info is None or self._job is None or answer.job.question != self._job.question:
            return
        self._answered, shown = answer.job, answer.found.xray
        self.note.hide()
        self.bars.show_candidates(candidates(shown, info.tokenizer, _SHOWN))
        self.bars.show()
        self.summary.setText(next_sentence(shown, None, info.tokenizer))
        self.summary.show()
        self.explained.emit(effects(steps_of(shown, answer.job.settings, info.tokenizer)))

    @Slot(object)
    def _on_failed(self, failure: object) -> None:
        sentence = getattr(failure, "sentence", "")
        if self._job is not None and sentence:
            self._show_note(sentence)

    def _show_note(self, text: str) -> None:
        self.note.setText(text)
        self.note.show()
        self._hide_bars(keep_room=False)
        self.summary.hide()
        self.explained.emit({})

    def _hide_bars(self, *, keep_room: bool) -> None:
        policy = self.bars.sizePolicy()
        policy.setRetainSizeWhenHidden(keep_room)
        self.bars.setSizePolicy(policy)
        self.bars.hide()

    @Slot(object)
    def _on_chosen(self, candidate: Candidate) -> None:
        if self._is_answered() and not self._session.busy:
            self.chosen.emit(self._next().start, candidate.piece)

    @Slot()
    def _on_opened(self) -> None:
        self._job = None
        self._on_moved()

    @Slot()
    def _on_settings_changed(self) -> None:
        value = self._settings.value
        if (value.decoding, value.read_ahead) != self._shown:
            self._shown = value.decoding, value.read_ahead
            self._slider.request()

    @Slot()
    def _on_state_changed(self) -> None:
        self._explain()
        self._pause.request()

    @Slot(bool)
    def _on_toggled(self, open: bool) -> None:
        others = tuple(name for name in self._settings.value.closed_groups if name != TITLE)
        self._settings.update(closed_groups=others if open else (*others, TITLE))
        if not open:
            self._job = None
            self.explained.emit({})
        self._pause.request()
