"""Evaluates the draft of a run: its problems and figures, computed in the background soon after each change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Signal

from gptdesk.training.estimate import Summary
from gptdesk.training.launch import COMMAND
from gptdesk.ui.services.background import TaskQueue
from gptdesk.ui.throttle import Debounce
from gptdesk.ui.train.new_run.draft import tasks
from gptdesk.ui.train.new_run.draft.draft import Draft
from gptdesk.ui.train.new_run.draft.readiness import STEP_OF
from gptdesk.ui.train.new_run.draft.schema import in_words

_DELAY_MS: Final = 60
"""After the last change."""


class DraftEvaluation(QObject):
    """Keeps problems in step with the draft.

    Args:
        runs: folder of new runs.
        failed: shows why the draft could not be evaluated.

    Attributes:
        problems: a sentence for every setting that cannot work, by ``section.key``.
        settled: whether they belong to the present settings.

    Signals:
        draft_changed(): the draft changed because its data, or the model to start from, is known.
        done(object): a `Summary` of the present settings.
    """

    draft_changed = Signal()
    done = Signal(object)

    def __init__(
        self, draft: Draft, runs: Path, queue: TaskQueue, failed: Callable[[str], object], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._draft, self._runs, self._queue, self._failed = draft, runs, queue, failed
        self._number = 0
        self.problems: Mapping[str, str] = {}
        self.settled = False
        self._evaluating = Debounce(self._evaluate, _DELAY_MS, self)

    def schedule(self) -> None:
        """The draft has changed."""
        self.settled = False
        self._evaluating.request()

    def stop(self) -> None:
        """Evaluates no more."""
        self._evaluating.cancel()

    def _evaluate(self) -> None:
        self._number += 1
        draft = self._draft
        size = draft.vocabulary.asked_size
        work = partial(tasks.work_out, draft.values(), self._runs, draft.run_name, draft.launcher, size)
        self._queue.run(work, partial(self._on_evaluated, self._number), self._failed)

    def _on_evaluated(self, number: int, summary: Summary) -> None:
        if number != self._number or self._evaluating.pending:
            return
        if self._draft.know(summary):
            self.draft_changed.emit()  # settings give way to the data, and the vocabulary may be the data's
            return
        problems = {key: in_words(text, self._draft.sections) for key, text in summary.problems.items()}
        if self._draft.launcher.kind == COMMAND:  # the paths may be another computer's
            problems = {key: text for key, text in problems.items() if key not in STEP_OF}
        self.problems, self.settled = problems, True
        self.done.emit(summary)
