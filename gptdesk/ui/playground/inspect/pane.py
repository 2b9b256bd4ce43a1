"""The pane under the text: the choice of a view, what the chosen one shows and does not prove, and the view."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from gptdesk.devices import QUANTIZED
from gptdesk.ui import number_format
from gptdesk.ui.fonts import scaled
from gptdesk.ui.playground.inspect.attention_view import AttentionView
from gptdesk.ui.playground.inspect.bar_view import BarView
from gptdesk.ui.playground.inspect.bar_views import EmbeddingsView, NeuronsView, PartsView
from gptdesk.ui.playground.inspect.heads_view import HeadsView
from gptdesk.ui.playground.inspect.lens_view import LensView
from gptdesk.ui.playground.inspect.views import ATTENTION, EMBEDDINGS, HEADS, LENS, NEURONS, PARTS, VIEWS
from gptdesk.ui.playground.session import Session
from gptdesk.ui.services.reading.look_jobs import Looked, LookedText, LookJob
from gptdesk.ui.services.services import InferenceService
from gptdesk.ui.theme import Theme
from gptdesk.ui.throttle import Throttle
from gptdesk.ui.widgets.elided_label import ElidedLabel
from gptdesk.ui.widgets.inputs.boxes import ListBox
from gptdesk.ui.widgets.tooltips import wrapped

_PAUSE_MS: Final = 300
"""After a change of the text or the caret; a person who types or walks on is not waited for."""

_LEAST_HEIGHT: Final = 230
_SIDE: Final = 16

_NO_MODEL: Final = "Load a model to look into it."
_NO_TEXT: Final = "Type a text: what the layers of the model make of it is shown here."

_View = LensView | AttentionView | HeadsView | BarView


class InspectPane(QWidget):
    """Asks for what the chosen view shows, while it is on the screen, and for nothing else.

    Args:
        theme: of the window.
        inference: looks into the model.
        session: has the text.
        caret: returns the caret's place in it.

    Attributes:
        choice: of the view.
        views: by id.
        state: what is said of the view.
        message: stands in the place of a view that has nothing to show.

    Signals:
        caret_wanted(int): emitted with the index of a character that the caret should go to.
        left(): emitted when the person wants to go back to the text.
        closed(): emitted when the pane is to be hidden.
    """

    caret_wanted = Signal(int)
    left = Signal()
    closed = Signal()

    def __init__(
        self,
        theme: Theme,
        inference: InferenceService,
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
        self.views: dict[str, _View] = {
            LENS: LensView(theme),
            ATTENTION: AttentionView(theme),
            PARTS: PartsView(theme),
            HEADS: HeadsView(theme),
            NEURONS: NeuronsView(theme),
            EMBEDDINGS: EmbeddingsView(theme),
        }
        self.choice = ListBox()
        self.state, self.help, self.message = ElidedLabel(), QLabel(), QLabel()
        self.close_button = QPushButton()
        self.close_button.clicked.connect(self.closed)
        theme.set_icon(self.close_button, "close", "muted")
        self._lay_out()
        self._asking = Throttle(self._ask, _PAUSE_MS, self)
        for view in self.views.values():
            view.left.connect(self.left)
            if isinstance(view, LensView | AttentionView):
                view.caret_wanted.connect(self.caret_wanted)
            if isinstance(view, AttentionView | HeadsView):
                view.asked.connect(self._ask)
        session.changed.connect(self._asking.request)
        session.opened.connect(self._asking.request)
        inference.state_changed.connect(self._on_state_changed)
        inference.reads.looked.connect(self._receive)
        self.choose(LENS)

    def _lay_out(self) -> None:
        self.setProperty("zone", "surface")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName("Inspect")
        self.setMinimumHeight(scaled(_LEAST_HEIGHT))
        line = QFrame()
        line.setProperty("line", "horizontal")
        heading = QLabel("Inspect")
        heading.setProperty("kind", "heading")
        head = QHBoxLayout()
        head.setSpacing(4)
        head.addWidget(heading)
        head.addSpacing(8)
        self.choice.setAccessibleName("View")
        for id, about in VIEWS.items():
            self.choice.addItem(about.title, id)
            self.choice.setItemData(self.choice.count() - 1, wrapped(about.help), Qt.ItemDataRole.ToolTipRole)
        self.choice.activated.connect(lambda: self.choose(self.choice.currentData()))
        head.addWidget(self.choice)
        for label in (self.state, self.help, self.message):
            label.setProperty("kind", "muted")
        self.state.setAccessibleName("State of the view")
        self.state.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.close_button.setProperty("kind", "flat")
        self.close_button.setProperty("icon_only", "true")
        self.close_button.setAccessibleName("Close Inspect")
        self.close_button.setToolTip("Close Inspect")
        head.addWidget(self.state, 1)
        head.addWidget(self.close_button)
        self.help.setWordWrap(True)
        self.help.setAccessibleName("What the view shows")
        self.message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.message.setWordWrap(True)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.message)
        for view in self.views.values():
            self._stack.addWidget(view)
        inner = QVBoxLayout()
        inner.setContentsMargins(_SIDE, 6, 8, 8)
        inner.setSpacing(6)
        inner.addLayout(head)
        inner.addWidget(self.help)
        inner.addWidget(self._stack, 1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(line)
        outer.addLayout(inner)

    @property
    def view(self) -> _View:
        """The chosen one."""
        return self.views[self._chosen]

    @property
    def busy(self) -> bool:
        """Whether something that was asked is not answered in full."""
        return bool(self._open)

    def choose(self, id: str) -> None:
        """Shows a view."""
        self._chosen = id
        self.choice.setCurrentIndex(self.choice.findData(id))
        about = VIEWS[id]
        self.help.setText(about.help)
        self.help.setToolTip(wrapped(f"Source: {about.source}"))
        self._asked = []
        self._ask()

    def focus_view(self) -> None:
        """Gives the focus to the view, or to the list of views where it has nothing to show."""
        shown = self._stack.currentWidget()
        (self.choice if shown is self.message else self.view).setFocus()

    @Slot()
    def follow_caret(self) -> None:
        """The caret has moved."""
        if not self.isVisible():
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
        self._give_up()

    def _give_up(self) -> None:
        self._inference.reads.cancel(LookJob)
        self._asked, self._open = [], set()

    @Slot()
    def _on_state_changed(self) -> None:
        """Another model: nothing holds that was found with the former one."""
        model = self._model_in_use()
        if model != self._model:
            self._model = model
            self._give_up()
            for view in self.views.values():
                view.clear()
            self._ask()

    def _model_in_use(self) -> object:
        info = self._inference.info
        return None if info is None else (info.folder, info.precision, info.device)

    @Slot()
    def _ask(self) -> None:
        if not self.isVisible():
            return
        info, text = self._inference.info, self._session.document.mixed
        if info is None or not text.text:
            self._give_up()
            self._say(_NO_MODEL if info is None else _NO_TEXT)
            return
        quantised = f"The {info.precision} weights count as the numbers that they stand for."
        self.state.help = quantised if info.precision in QUANTIZED else ""
        jobs = self.view.jobs(text, self._caret())
        questions = [job.question for job in jobs]
        if questions == self._asked:
            return
        known = self._asked
        self._inference.reads.cancel(LookJob)
        self._asked, self._open = questions, set(questions)
        self.state.setText("Waits for the model…" if self._session.busy else "Reads…")
        if not known:
            self._stack.setCurrentWidget(self.view)
        for job in jobs:
            self._inference.reads.look(job)

    @Slot(object)
    def _receive(self, looked: Looked) -> None:
        if looked.job.question not in self._asked or (info := self._inference.info) is None:
            return
        self._text = looked.text
        if looked.ended:
            self._open.discard(looked.job.question)
        if isinstance(looked.found, str):
            self._say(looked.found)
            return
        words = self.view.receive(looked, info.tokenizer)
        said = number_format.counted(len(looked.text.ids), "token")
        self.state.setText(words or ("Reads…" if self._open else said))
        self._stack.setCurrentWidget(self.view)

    def _say(self, sentence: str) -> None:
        self.state.setText("")
        self.message.setText(sentence)
        focused = self.view.isAncestorOf(self.focusWidget()) if self.focusWidget() is not None else False
        self._stack.setCurrentWidget(self.message)
        if focused:
            self.choice.setFocus()
