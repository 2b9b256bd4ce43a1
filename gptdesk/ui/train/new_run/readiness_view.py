"""Shows whether the run can be started: at the steps, at the button, and at the setting that is wrong."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Slot

from gptdesk.ui import number_format
from gptdesk.ui.train.new_run.data.step import DataStep
from gptdesk.ui.train.new_run.draft.draft import Draft
from gptdesk.ui.train.new_run.draft.readiness import DATA, SETTINGS, START, STEP_OF, VOCABULARY, Readiness
from gptdesk.ui.train.new_run.draft.schema import fitted_words
from gptdesk.ui.train.new_run.evaluation import DraftEvaluation
from gptdesk.ui.train.new_run.layout import SheetLayout
from gptdesk.ui.train.new_run.settings.step import SettingsStep
from gptdesk.ui.train.new_run.start.step import StartStep
from gptdesk.ui.train.new_run.starter import RunStarter
from gptdesk.ui.train.new_run.stepper import DONE, OPEN, WRONG


class ReadinessView(QObject):
    """Shows `Readiness`.

    Attributes:
        note: what was done last; shown while nothing is wrong.
    """

    def __init__(
        self,
        draft: Draft,
        evaluation: DraftEvaluation,
        starter: RunStarter,
        view: SheetLayout,
        steps: tuple[DataStep, StartStep, SettingsStep],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._draft, self._evaluation, self._starter, self._view = draft, evaluation, starter, view
        self._data, self._start_from, self._settings = steps
        self.note = ""
        view.message.clicked.connect(self._show_problem)

    @property
    def readiness(self) -> Readiness:
        """Whether the run can be started, and if not, why."""
        waiting = self._data.waiting
        vocabulary = self._draft.vocabulary.problem
        return Readiness(
            problems={**self._evaluation.problems, **({VOCABULARY: vocabulary} if vocabulary else {})},
            launcher_problem=self._settings.launcher.problem,
            settled=self._evaluation.settled,
            starting=self._starter.starting,
            waiting=waiting.name if waiting else "",
            failure=self._data.failure,
            note=self.note,
            fitted=tuple(fitted_words(note, self._draft.sections) for note in self._draft.notes if _is_of_data(note)),
        )

    def say(self, sentence: str) -> None:
        """Says how dropped files are used, until the user changes something; "" for nothing."""
        self.note = sentence
        self.show()

    def show_problems(self) -> None:
        """Shows the problems of settings beside them."""
        problems, form = self._evaluation.problems, self._settings.form
        at_form = {key: text for key, text in problems.items() if key not in STEP_OF}
        form.show_problems(at_form)
        self._settings.show_problem(" ".join(text for key, text in at_form.items() if key not in form.keys))
        has_path = bool(self._draft.get("data.path"))
        self._data.show_problem(problems.get("data.path", "") if has_path else "")
        self._start_from.show_problem(problems.get("model.init_from", ""))

    @Slot()
    def show(self) -> None:
        """Shows the state of each step, and the message and state of the button."""
        draft, ready, view = self._draft, self.readiness, self._view
        base = draft.base.name or "From scratch"
        steps = f"{number_format.count(draft.get('schedule.steps'))} steps"
        view.stepper.show_step(DATA, *self._data_state(ready))
        view.stepper.show_step(START, base, WRONG if "model.init_from" in ready.problems else DONE)
        view.stepper.show_step(SETTINGS, steps, WRONG if ready.wrong_settings else DONE)
        view.start.setText("Start when ready" if ready.can_wait else "Start training")
        view.start.setEnabled(ready.may_start)
        view.show_message(ready.message, leads_on=ready.leads_on)

    def _data_state(self, ready: Readiness) -> tuple[str, str]:
        path = self._draft.get("data.path")
        if ready.failure:
            return "Preparation failed", WRONG
        if VOCABULARY in ready.problems:
            return "Another vocabulary", WRONG
        if ready.waiting:
            return "Being prepared", OPEN
        if not path:
            return "Choose text", OPEN
        return self._draft.data_name or Path(path).name, WRONG if "data.path" in ready.problems else DONE

    @Slot()
    def _show_problem(self) -> None:
        """Scrolls to what is missing or wrong."""
        ready, view, settings = self.readiness, self._view, self._settings
        key = ready.first_problem
        if key == VOCABULARY and not ready.failure:
            view.scroll_to(self._data.vocabulary_card, self._data.vocabulary_card.prepare)
        elif ready.failure or key in STEP_OF:
            view.show_step(DATA if ready.failure else STEP_OF[key])
        elif not key and not ready.launcher_problem:
            view.show_step(SETTINGS)
        elif not key:
            view.scroll_to(settings.launcher, settings.launcher.template)
        elif row := settings.form.reveal(key):
            view.scroll_to(row, row.control.focus)
        else:
            view.show_step(SETTINGS)


def _is_of_data(note: str) -> bool:
    """Whether the setting that gave way decides what is learned; the settings step tells of the others."""
    return note.startswith(("data.context_length", "data.batch_size", "model.n_positions"))
