"""The pane under the text: asks for what the chosen view shows, at the caret or at a pinned token."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QLabel, QStackedWidget, QVBoxLayout, QWidget

from gptdesk.devices import QUANTIZED
from gptdesk.gpt2.mixed_text import PLACEHOLDER
from gptdesk.inference.inspection.snippets import Source
from gptdesk.ui import number_format
from gptdesk.ui.fonts import scaled
from gptdesk.ui.playground.inspect.attention_view import AttentionView
from gptdesk.ui.playground.inspect.head import PaneHead
from gptdesk.ui.playground.inspect.over_steps.checkpoint_bar import CheckpointBar
from gptdesk.ui.playground.inspect.over_steps.run_checkpoints import RunCheckpoints
from gptdesk.ui.playground.inspect.over_steps.steps_view import StepsView
from gptdesk.ui.playground.inspect.pinning import Pin
from gptdesk.ui.playground.inspect.view import InspectView
from gptdesk.ui.playground.inspect.view_list import make_views
from gptdesk.ui.playground.inspect.views import LENS
from gptdesk.ui.playground.session import Session
from gptdesk.ui.playground.token_card.labels import token_text
from gptdesk.ui.services.reading.look_jobs import Looked, LookedText, LookJob
from gptdesk.ui.services.runs.service import RunService
from gptdesk.ui.services.services import InferenceService
from gptdesk.ui.theme import Theme
from gptdesk.ui.throttle import Throttle

_PAUSE_MS: Final = 300
"""After a change of the text or the caret; a person who types or walks on is not waited for."""

_LEAST_HEIGHT: Final = 230
_SIDE: Final = 16

_NO_MODEL: Final = "Load a model to look into it."
_NO_TEXT: Final = "Type a text: what the layers of the model make of it is shown here."


class InspectPane(QWidget):
    """Asks for what the chosen view shows, while it is on the screen, and for nothing else.

    Args:
        theme: of the window.
        inference: looks into the model.
        runs: lists and reads checkpoints of the run that the model belongs to.
        session: has the text.
        caret: returns the caret's place in it.

    Attributes:
        head: the choice of the view, its state and buttons.
        attention: the view that has arcs over the text.
        views: by id.
        checkpoints: of the run that the model in use belongs to.
        steps: loads one of them.
        message: stands in the place of a view that has nothing to show.

    Signals:
        caret_wanted(int): emitted with the index of a character that the caret should go to.
        left(): emitted when the person wants to go back to the text.
        closed(): emitted when the pane is to be hidden.
        checkpoint_wanted(object): emitted with the folder of a checkpoint to load, a `Path`.
    """

    caret_wanted = Signal(int)
    left = Signal()
    closed = Signal()
    checkpoint_wanted = Signal(object)

    def __init__(
        self,
        theme: Theme,
        inference: InferenceService,
        runs: RunService,
        session: Session,
        caret: Callable[[], int],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._inference, self._session, self._caret = inference, session, caret
        self._model = self._model_in_use()
        self._asked: list[tuple[object, ...]] = []
        self._open: set[tuple[object, ...]] = set()  # of these, those that are not answered in full
        self._text = LookedText((), (), -1)
        self._pin = Pin()
        self._said = ""
        self.attention, self.checkpoints = AttentionView(theme), RunCheckpoints(runs, self)
        self.views = make_views(theme, self.attention, session.model_change, inference, runs, self.checkpoints)
        self.steps = CheckpointBar(self.checkpoints)
        self.head, self.message = PaneHead(theme, self._copied_view, self._code), QLabel()
        self.head.chosen.connect(self.choose)
        self.head.pin.clicked.connect(self.pin)
        self.head.close_button.clicked.connect(self.closed)
        self._lay_out()
        self._asking = Throttle(self._ask, _PAUSE_MS, self)
        for view in self.views.values():
            view.left.connect(self.left)
            view.caret_wanted.connect(self.caret_wanted)
            view.asked.connect(self._ask)
        self.steps.chosen.connect(self.checkpoint_wanted)
        self.checkpoints.changed.connect(self._show_steps)
        session.changed.connect(self._asking.request)
        session.opened.connect(self._on_opened)
        inference.state_changed.connect(self._on_state_changed)
        inference.reads.looked.connect(self._receive)
        inference.load_failed.connect(self.checkpoints.look)
        self.choose(LENS)
        self._use_folder()

    def _lay_out(self) -> None:
        self.setProperty("zone", "surface")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName("Inspect")
        self.setMinimumHeight(scaled(_LEAST_HEIGHT))
        line = QFrame()
        line.setProperty("line", "horizontal")
        self.message.setProperty("kind", "muted")
        self.message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.message.setWordWrap(True)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.message)
        for view in self.views.values():
            self._stack.addWidget(view)
        inner = QVBoxLayout()
        inner.setContentsMargins(_SIDE, 6, 8, 8)
        inner.setSpacing(6)
        inner.addWidget(self.head)
        inner.addWidget(self.steps)
        inner.addWidget(self._stack, 1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(line)
        outer.addLayout(inner)

    @property
    def view(self) -> InspectView:
        """The chosen one."""
        return self.views[self._chosen]

    @property
    def busy(self) -> bool:
        """Whether something that was asked is not answered in full."""
        return bool(self._open)

    def choose(self, id: str) -> None:
        """Shows a view."""
        self._chosen = id
        self.head.show_view(id)
        self.attention.hide_arcs()
        self._asked = []
        self._show_steps()
        self._ask()

    @Slot()
    def _show_steps(self) -> None:
        """Views over checkpoints have steps of their own."""
        self.steps.setVisible(self.steps.is_useful and not isinstance(self.view, StepsView))
        if isinstance(self.view, StepsView) and self._stack.currentWidget() is self.message:
            self._ask()

    @Slot()
    def pin(self) -> None:
        """Stays with the token before the caret, or follows the caret again."""
        if self._pin.place is None and self._session.document.text:
            self._pin.put(self._caret(), self._session.document.text)
        else:
            self._pin.drop()
        self._ask()

    def focus_view(self) -> None:
        """Gives the focus to the view, or to the list of views where it has nothing to show."""
        shown = self._stack.currentWidget()
        (self.head.choice if shown is self.message else self.view.entry).setFocus()

    @Slot()
    def follow_caret(self) -> None:
        """The caret has moved."""
        if not self.isVisible() or self._pin.place is not None:
            return
        same = bool(self._asked) and self._session.document.mixed == self._asked[0][1]
        place = self._text.position_at(self._caret()) if same and not self.view.needs_caret() else None
        if place is None:
            self._asking.request()
        else:
            self.view.show_caret(place)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._ask()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._asking.cancel()
        self.attention.hide_arcs()
        self._give_up()

    def _give_up(self) -> None:
        self._inference.reads.cancel(LookJob)
        self._asked, self._open = [], set()

    @Slot()
    def _on_opened(self) -> None:
        self._pin.drop()
        self._asking.request()

    @Slot()
    def _on_state_changed(self) -> None:
        """Another model: nothing holds that was found with the former one."""
        model = self._model_in_use()
        if model != self._model:
            self._model = model
            self._use_folder()
            self._give_up()
            for view in self.views.values():
                view.clear()
            self._ask()

    def _use_folder(self) -> None:
        """A model that is being loaded has no folder yet, and may belong to the same run."""
        if self._inference.info is not None:
            self.checkpoints.use(self._inference.info.folder)

    def _model_in_use(self) -> object:
        info = self._inference.info
        return None if info is None else (info.folder, info.precision, info.device)

    @Slot()
    def _ask(self) -> None:
        if not self.isVisible():
            return
        info, text = self._inference.info, self._session.document.mixed
        self._pin.follow(text.text)
        self.head.show_pinned(self._pin.place is not None)
        without_text = _NO_TEXT if self.view.needs_text() and not text.text else ""
        why_not = _NO_MODEL if info is None else self.view.why_not() or without_text
        if info is None or why_not:
            self._give_up()
            self._say(why_not)
            return
        quantised = f"The {info.precision} weights count as the numbers that they stand for."
        self.head.state.help = quantised if info.precision in QUANTIZED else ""
        jobs = self.view.jobs(text, self._caret() if self._pin.place is None else self._pin.place)
        questions = [job.question for job in jobs]
        if questions == self._asked and jobs:
            if not self._open:
                self._show_state()
            return
        known, answered = self._asked, set(self._asked) - self._open
        self._inference.reads.cancel(LookJob)
        self._asked, self._open = questions, set(questions) - answered
        self.head.state.setText(("Waits for the model…" if self._session.busy else "Reads…") if jobs else "")
        if not known:
            self._stack.setCurrentWidget(self.view)
        for job in jobs:
            if job.question in self._open:
                self._inference.reads.look(job)

    @Slot(object)
    def _receive(self, looked: Looked) -> None:
        if looked.job.question not in self._asked or (info := self._inference.info) is None:
            return
        self._text = looked.text
        if looked.ended:
            self._open.discard(looked.job.question)
        if isinstance(looked.found, str):
            self._asked.remove(looked.job.question)  # so that it can be tried again
            if self.view.refuse(looked.found):
                self.head.state.setText("")
            else:
                self._say(looked.found)
            return
        words = self.view.receive(looked, info.tokenizer)
        self._said = words or ("Reads…" if self._open else number_format.counted(len(looked.text.ids), "token"))
        self._show_state()
        self._stack.setCurrentWidget(self.view)

    def _show_state(self) -> None:
        """What is said of the view, and to which token it is pinned."""
        info, looked, said = self._inference.info, self._text, self._said
        if info is not None and self._pin.place is not None and self.view.needs_text() and looked.position >= 0:
            piece = token_text(info.tokenizer.piece(looked.ids[looked.position]))
            said = f"Pinned to “{piece}” · {said}"
        self.head.state.setText(said)

    def _say(self, sentence: str) -> None:
        self.head.state.setText("")
        self.message.setText(sentence)
        focused = self.view.isAncestorOf(self.focusWidget()) if self.focusWidget() is not None else False
        self._stack.setCurrentWidget(self.message)
        if focused:
            self.head.choice.setFocus()

    def _copied_view(self) -> InspectView | None:
        return None if self._stack.currentWidget() is self.message else self.view

    def _code(self) -> str:
        """Python code that computes what the view shows."""
        info, looked = self._inference.info, self._text
        if info is None:
            return ""
        text = ""
        if looked.spans:
            text = self._session.document.text[looked.spans[0][0] : looked.spans[-1][1]]
            if PLACEHOLDER in text or tuple(info.tokenizer.encode(text)) != looked.ids:
                text = ""
        source = Source(str(info.folder), info.precision, info.device, text, looked.ids, looked.position)
        return self.view.snippet(source)
