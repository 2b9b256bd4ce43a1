"""Dialog that finds the most probable continuations of the text before the caret, and takes one as a branch."""

from __future__ import annotations

import math
from typing import Final

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from gptdesk.gpt2.mixed_text import MixedText
from gptdesk.inference.scoring.windows import half_context
from gptdesk.ui import number_format
from gptdesk.ui.fonts import scaled
from gptdesk.ui.playground.chosen_text import events_of
from gptdesk.ui.playground.continuations.beginning_tree import BeginningTree
from gptdesk.ui.playground.token_card.labels import percent
from gptdesk.ui.services.inference_messages import NO_MODEL, Failure
from gptdesk.ui.services.reading.jobs import FoundContinuations, SearchJob
from gptdesk.ui.services.services import InferenceService
from gptdesk.ui.theme import Theme
from gptdesk.ui.throttle import Debounce, Throttle
from gptdesk.ui.widgets.dialog import Dialog
from gptdesk.ui.widgets.inputs.number_box import NumberBox
from gptdesk.ui.widgets.problem_label import ProblemLabel

_SHOWN: Final = 80
"""Characters of the prompt's end that are shown."""

_COUNT: Final = 20
_MOST: Final = 100
_LENGTH: Final = 4
_LONGEST: Final = 20
"""Continuations, and tokens of each: at first, and at most."""

_PAUSE_MS: Final = 400
"""Without a change of a number before a new search."""

_SHOW_MS: Final = 100
"""Between two times that the tree is filled while the search runs."""

_HEIGHT: Final = 540
"""Of the dialog where the window has room, in pixels at a font of 13 pixels."""


class SearchDialog(Dialog):
    """Searches at once; what it has found so far is a tree of which the person may take an entry.

    Args:
        prompt: text before the continuations.

    Attributes:
        count, length: continuations, and tokens of each.
        tree: what was found.
        mass: how much of the probability that is.
        problem: why nothing is found.

    Signals:
        taken(object, object): emitted with the tokens that the person chose, a list of `TokenEvent`, and the
            `ModelInfo` of the model that found them.
    """

    taken = Signal(object, object)

    def __init__(
        self, theme: Theme, inference: InferenceService, prompt: MixedText, parent: QWidget | None = None
    ) -> None:
        super().__init__("Probable continuations", parent, width=760)
        self._inference, self._prompt = inference, prompt
        self._job: SearchJob | None = None
        self._answer: FoundContinuations | None = None
        self._stopped = False
        longest = min(_LONGEST, half_context(inference.info.context)) if inference.info is not None else _LONGEST
        self.count, self.length = NumberBox(1, _MOST, 0), NumberBox(1, longest, 0)
        self.count.setValue(_COUNT)
        self.length.setValue(min(_LENGTH, longest))
        self.tree = BeginningTree(theme)
        self.tree.setMinimumHeight(scaled(160))
        self.mass, self.problem = QLabel(), ProblemLabel()
        self.mass.setTextFormat(Qt.TextFormat.PlainText)
        self.search_button, self.take_button = QPushButton("Search"), QPushButton("Take as a branch")
        self.search_button.setMinimumWidth(self.search_button.sizeHint().width())  # its other label is shorter
        self.take_button.setProperty("kind", "accent")
        self._lay_out()
        self._typing = Debounce(self.search, _PAUSE_MS, self)
        self._filling = Throttle(self._fill, _SHOW_MS, self)
        self._connect()
        self.resize(self.minimumWidth(), scaled(_HEIGHT))
        self.search()

    def _lay_out(self) -> None:
        end = self._prompt.spelled
        shown = f"…{end[-_SHOWN:]}" if len(end) > _SHOWN else end
        prompt = QLabel(" ".join(shown.split()) or "The text is empty.")
        prompt.setTextFormat(Qt.TextFormat.PlainText)
        prompt.setProperty("kind", "muted")
        prompt.setWordWrap(True)
        numbers = QHBoxLayout()
        numbers.setSpacing(8)
        for words, box in (("Continuations", self.count), ("Tokens in each", self.length)):
            label = QLabel(words)
            label.setBuddy(box)
            box.setAccessibleName(words)
            box.setFixedWidth(scaled(64))
            numbers.addWidget(label)
            numbers.addWidget(box)
            numbers.addSpacing(16)
        numbers.addStretch(1)
        numbers.addWidget(self.search_button)
        close, buttons = QPushButton("Close"), QHBoxLayout()
        close.clicked.connect(self.reject)
        buttons.setSpacing(8)
        buttons.addStretch(1)
        buttons.addWidget(close)
        buttons.addWidget(self.take_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 24)
        layout.setSpacing(12)
        layout.addWidget(prompt)
        layout.addLayout(numbers)
        layout.addWidget(self.tree, 1)
        layout.addWidget(self.mass)
        layout.addWidget(self.problem)
        layout.addLayout(buttons)
        for button in (close, self.search_button, self.take_button):
            button.setAutoDefault(False)  # Enter in the tree takes its entry, and does nothing else
        self.tree.setFocus()

    def _connect(self) -> None:
        for box in (self.count, self.length):
            box.valueChanged.connect(self._typing.request)
        self.search_button.clicked.connect(self._on_button)
        self.take_button.clicked.connect(self.take)
        self.tree.itemActivated.connect(self.take)
        reads = self._inference.reads
        reads.continuations_found.connect(self._on_found)
        reads.failed.connect(self._on_failed)
        self._inference.state_changed.connect(self._on_state_changed)
        self.finished.connect(self._stop)

    @Slot()
    def search(self) -> None:
        """Begins a new search."""
        self._typing.cancel()
        self._answer, self._stopped = None, False
        self.tree.clear()
        if self._inference.info is None:
            self._end(NO_MODEL)
            return
        self._job = SearchJob(self._prompt, round(self.count.value()), round(self.length.value()))
        self._inference.reads.search(self._job)
        self._judge()

    @Slot()
    def take(self) -> None:
        """Takes the current entry, and closes."""
        info, chosen = self._inference.info, self.tree.chosen
        if info is not None and chosen is not None:
            events = events_of(info.tokenizer, self._prompt, chosen.ids, chosen.logprobs)
            self.accept()
            self.taken.emit(events, info)

    @Slot()
    def _on_button(self) -> None:
        if self._job is not None:
            self._stopped = True
            self._stop()
            self._end("")
        else:
            self.search()

    @Slot()
    def _stop(self) -> None:
        self._typing.cancel()
        self._inference.reads.cancel(SearchJob)

    def _end(self, problem: str) -> None:
        """The search is over."""
        self._job = None
        self._fill()
        self.problem.show_problem(problem)

    @Slot(object)
    def _on_found(self, answer: FoundContinuations) -> None:
        if self._job is None or answer.job.question != self._job.question:
            return
        self._answer = answer
        if answer.ended:
            self._end("")
        else:
            self._filling.request()

    @Slot(object)
    def _on_failed(self, failure: Failure) -> None:
        if self._job is not None:
            self._end(failure.sentence)

    @Slot()
    def _on_state_changed(self) -> None:
        """What a model found goes with it: the ids are of its vocabulary."""
        if self._inference.info is None and (self._job is not None or self._answer is not None):
            self._answer = None
            self.tree.clear()
            self._end(NO_MODEL)

    def _fill(self) -> None:
        """Shows what was found so far."""
        self._filling.cancel()
        info = self._inference.info
        if info is not None and self._answer is not None:
            self.tree.show_found(self._answer.found, info.tokenizer)
        self._judge()

    def _judge(self) -> None:
        found = self._answer.found if self._answer is not None else ()
        mass = percent(min(1.0, math.fsum(one.probability for one in found)))
        words = f"{number_format.counted(len(found), 'continuation')} with {mass} of the probability"
        if self._job is not None:
            words = f"Searching… {words}" if found else "Searching…"
        elif self._stopped:
            words = f"Stopped: {words}"
        elif len(found) < self.count.value():
            words = f"The search ended early: {words}"
        self.mass.setText(words if self._answer is not None or self._job is not None else "")
        self.search_button.setText("Stop" if self._job is not None else "Search")
        self.take_button.setEnabled(self.tree.chosen is not None)
