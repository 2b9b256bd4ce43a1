"""The sheet on which a run is put together and started."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal, Slot
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QResizeEvent
from PySide6.QtWidgets import QDialog, QLineEdit, QWidget

from gptdesk.training.estimate import Summary
from gptdesk.training.index import RunIndex
from gptdesk.training.launch import COMMAND, HERE, Launcher
from gptdesk.ui import number_format
from gptdesk.ui.services.background import TaskQueue
from gptdesk.ui.services.services import Services
from gptdesk.ui.throttle import Debounce
from gptdesk.ui.train.new_run.data.drop_parsing import dropped_paths, sort_drop
from gptdesk.ui.train.new_run.data.step import DataStep
from gptdesk.ui.train.new_run.draft import Base, Draft
from gptdesk.ui.train.new_run.layout import SheetLayout
from gptdesk.ui.train.new_run.measuring import Measuring
from gptdesk.ui.train.new_run.readiness import DATA, SETTINGS, START, STEP_OF, Readiness
from gptdesk.ui.train.new_run.schema import fitted_words, in_words
from gptdesk.ui.train.new_run.settings.step import SettingsStep
from gptdesk.ui.train.new_run.settings.text import SettingsText
from gptdesk.ui.train.new_run.start.shapes import Shape
from gptdesk.ui.train.new_run.start.step import StartStep
from gptdesk.ui.train.new_run.stepper import DONE, OPEN, WRONG
from gptdesk.ui.train.new_run.tasks import launch, launch_with, work_out

_LARGEST: Final = QSize(1160, 780)
_SMALLEST: Final = QSize(820, 520)
_MARGIN: Final = 48
"""Of the window that stays in view around the sheet."""

_WORK_OUT_MS: Final = 60
_END_MS: Final = 15_000


class NewRunSheet(QDialog):
    """Data, what to start from, settings; ``open()`` it, it does not block.

    What is being prepared goes on when the sheet is closed, and is found again by the next.

    Args:
        services: of the window.
        index: of the runs there are.

    Attributes:
        draft: the run so far.
        problems: a sentence for every setting that cannot work, by ``section.key``.

    Signals:
        started(object): the `Path` of the run that was started.
        put_off(object): a run starts when the data in that folder (a `Path`) is ready.
    """

    started = Signal(object)
    put_off = Signal(object)

    def __init__(self, services: Services, index: RunIndex, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._runs, self._run_monitor = services.folders.runs, services.run_monitor
        self.draft = Draft()
        self.problems: Mapping[str, str] = {}
        self._settled = False  # the problems are those of the settings at hand
        self._starting = False
        self._asked = 0
        self._note = ""
        self._window: QWidget | None = None
        self._quick, self._slow = TaskQueue("new run", self), TaskQueue("new run, slow", self)
        theme, folders = services.theme, services.folders
        self.data = DataStep(theme, folders, self._quick, self._slow)
        self.start_from = StartStep(theme, folders, index, self._quick)
        self.settings = SettingsStep(theme, self.draft)
        self.view = SheetLayout(theme, [self.data, self.start_from, self.settings], self)
        self.summary, self.stepper, self.start = self.view.summary, self.view.stepper, self.view.start
        self.measuring = Measuring(self.summary, self._slow, self)
        self.text = SettingsText(self.draft, self._runs, self.summary, self._quick, self)
        self._working_out = Debounce(self._work_out, _WORK_OUT_MS, self)
        self.setWindowTitle("New run")
        self.setAcceptDrops(True)
        self.setMinimumSize(_SMALLEST)
        self._fit(parent)
        for line in self.findChildren(QLineEdit):
            line.setAcceptDrops(False)
        self._connect()
        self.data.start()
        self.start_from.start()
        self._show()

    def _connect(self) -> None:
        self.data.chosen.connect(self._on_data)
        self.data.picked.connect(self.take)
        self.data.waiting_changed.connect(self._show)
        self.start_from.chosen.connect(self._on_base)
        self.start_from.shape_chosen.connect(self._on_shape)
        self.settings.preset_chosen.connect(self._on_preset)
        self.settings.form.changed.connect(self._on_setting)
        self.settings.launcher.changed.connect(self._on_launcher)
        self.summary.named.connect(self._on_named)
        self.text.read.connect(self._on_settings_read)
        self.text.failed.connect(self._on_text_failed)
        self.view.message.clicked.connect(self._show_problem)
        self.view.cancel.clicked.connect(self.reject)
        self.start.clicked.connect(self._on_start)

    def _fit(self, parent: QWidget | None) -> None:
        self.resize(_LARGEST)
        if parent is not None:
            self._window = parent.window()
            self._window.installEventFilter(self)
            room = self._window.size() - QSize(_MARGIN, _MARGIN)
            self.resize(_LARGEST.boundedTo(room).expandedTo(_SMALLEST))

    @Slot(str, str, object)
    def _on_data(self, path: str, name: str, train_tokens: int) -> None:
        self.draft.choose_data(path, name, train_tokens)
        self._show()

    @Slot(object)
    def _on_base(self, base: Base) -> None:
        self.draft.start_from(base)
        self._show()

    @Slot(object)
    def _on_shape(self, shape: Shape) -> None:
        for name in ("n_layer", "n_head", "n_embd"):
            self.draft.set(f"model.{name}", getattr(shape, name))
        self._on_changed()

    @Slot(str)
    def _on_preset(self, name: str) -> None:
        self.draft.choose_preset(name)
        self._on_changed()

    @Slot(str, object)
    def _on_setting(self, key: str, value: object) -> None:
        if key == "data.path":
            self.data.wait_for(None)
            self.draft.choose_data(str(value), Path(str(value)).name)
        elif key == "model.start":
            self.draft.start_from(Base(Path(str(value)).name, str(value)))
        else:
            self.draft.set(key, value)
        self._on_changed()

    @Slot(object)
    def _on_launcher(self, launcher: Launcher) -> None:
        self.draft.launcher = launcher
        self._on_changed()

    def _on_changed(self) -> None:
        self._note = ""
        self._show()

    @Slot(str)
    def _on_named(self, name: str) -> None:
        self.draft.name = name

    @Slot()
    def _show(self) -> None:
        """Shows the draft everywhere, and works out soon what it makes."""
        values = self.draft.values()
        self.settings.show_draft(self.draft)
        self.start_from.show_base(self.draft.base, values["model"])
        self.data.show_chosen(values["data"]["path"])
        self.summary.show_name(self.draft.name, self.draft.suggested_name)
        self.measuring.forget()
        self._settled = False
        self._show_state()
        self._working_out.request()

    @Slot()
    def _work_out(self) -> None:
        self._asked += 1
        work = partial(work_out, self.draft.values(), self._runs, self.draft.run_name, self.draft.launcher)
        self._quick.run(work, partial(self._on_worked_out, self._asked), self.view.show_failure)

    def _on_worked_out(self, number: int, summary: Summary) -> None:
        if number != self._asked or self._working_out.pending:
            return
        if self.draft.know_data(summary.train_tokens, summary.val_tokens):
            self._show()  # settings may give way to the data
            return
        self.problems = {key: in_words(text, self.draft.sections) for key, text in summary.problems.items()}
        if self.draft.launcher.kind == COMMAND:  # the paths may be another computer's
            self.problems = {key: text for key, text in self.problems.items() if key not in STEP_OF}
        self._settled = True
        self.summary.show_summary(summary)
        self._show_problems()
        self._show_state()
        ready = not self.problems and self.draft.launcher.kind == HERE
        self.measuring.offer(self.draft.values() if ready else None)

    def _show_problems(self) -> None:
        at_form = {key: text for key, text in self.problems.items() if key not in STEP_OF}
        self.settings.form.show_problems(at_form)
        lost = [text for key, text in at_form.items() if key not in self.settings.form.keys]
        self.settings.show_problem(" ".join(lost))
        has_path = bool(self.draft.get("data.path"))
        self.data.show_problem(self.problems.get("data.path", "") if has_path else "")
        self.start_from.show_problem(self.problems.get("model.start", ""))

    @property
    def readiness(self) -> Readiness:
        """Whether the run can be started, and if not, why."""
        return Readiness(
            problems=self.problems,
            launcher_problem=self.settings.launcher.problem,
            settled=self._settled,
            starting=self._starting,
            waiting=self.data.waiting.name if self.data.waiting else "",
            failure=self.data.failure,
            note=self._note,
            fitted=tuple(fitted_words(note, self.draft.sections) for note in self.draft.notes if _is_of_data(note)),
        )

    @Slot()
    def _show_state(self) -> None:
        """Whether the run can be started, and if not, why: at the steps and at the button."""
        draft, ready = self.draft, self.readiness
        base = draft.base.name or "From scratch"
        steps = f"{number_format.count(draft.get('schedule.steps'))} steps"
        self.stepper.show_step(DATA, *self._data_state(ready))
        self.stepper.show_step(START, base, WRONG if "model.start" in self.problems else DONE)
        self.stepper.show_step(SETTINGS, steps, WRONG if ready.wrong_settings else DONE)
        self.start.setText("Start when ready" if ready.can_wait else "Start training")
        self.start.setEnabled(ready.may_start)
        self.view.show_message(ready.message, leads_on=ready.leads_on)

    def _data_state(self, ready: Readiness) -> tuple[str, str]:
        """What the stepper says of the data."""
        path = self.draft.get("data.path")
        if ready.failure:
            return "Could not be prepared", WRONG
        if ready.waiting:
            return "Being prepared", OPEN
        if not path:
            return "Choose text", OPEN
        return self.draft.data_name or Path(path).name, WRONG if "data.path" in self.problems else DONE

    @Slot()
    def _show_problem(self) -> None:
        """Brings what is missing or wrong into view."""
        ready = self.readiness
        key = ready.first_problem
        if ready.failure or key in STEP_OF:
            self.view.show_step(DATA if ready.failure else STEP_OF[key])
        elif not key and not ready.launcher_problem:
            self.view.show_step(SETTINGS)
        elif not key:
            self.view.scroll_to(self.settings.launcher, self.settings.launcher.template)
        elif row := self.settings.form.reveal(key):
            self.view.scroll_to(row, row.control.focus)
        else:
            self.view.show_step(SETTINGS)

    @Slot()
    def _on_start(self) -> None:
        if self.data.waiting:
            self._put_off(self.data.waiting)
            return
        self._starting = True
        self.measuring.forget()
        self._show_state()
        draft = self.draft
        work = partial(launch, draft.values(), self._runs, draft.run_name, draft.launcher)
        self._quick.run(work, self._on_started, self._on_not_started)

    def _put_off(self, data: Path) -> None:
        """The window starts the run when its data is ready; the sheet is not needed for that."""
        draft = deepcopy(self.draft)
        draft.choose_data("", data.name)
        start = partial(launch_with, draft, data, self._runs)
        self._run_monitor.start_when_ready(data, draft.run_name, start)
        self.put_off.emit(data)
        self.accept()

    def _on_started(self, folder: Path) -> None:
        self.started.emit(folder)
        self.accept()

    def _on_not_started(self, sentence: str) -> None:
        self._starting = False
        self._show_state()
        self.view.show_failure(sentence)

    def _on_settings_read(self, values: Mapping[str, Mapping[str, object]]) -> None:
        """Data that a file names is the run's, whatever was being prepared or has failed."""
        self.draft.replace(values)
        if values.get("data", {}).get("path"):
            self.data.wait_for(None)
        self._show()

    @Slot(str)
    def _on_text_failed(self, sentence: str) -> None:
        self._say("")
        self.view.show_failure(sentence)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.view.fit(event.size().width())

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if dropped_paths(event.mimeData()):
            event.acceptProposedAction()
            self.data.drop.show_over(True)

    def dragLeaveEvent(self, _event: QDragLeaveEvent) -> None:
        self.data.drop.show_over(False)

    def dropEvent(self, event: QDropEvent) -> None:
        """Wherever on the sheet it is dropped, it means the same."""
        self.data.drop.show_over(False)
        event.acceptProposedAction()
        self.take(dropped_paths(event.mimeData()))

    @Slot(list)
    def take(self, paths: list[str]) -> None:
        """Takes over what was dropped or picked: settings, data, a model, text."""
        drop = sort_drop(paths)
        self._say(drop.sentence)
        if drop.settings:
            self.text.open(drop.settings)
        if drop.model:
            self.start_from.use_folder(drop.model)
            self.view.show_step(START)
        if drop.data:
            self.data.use_folder(drop.data)
        if drop.texts:
            self.data.prepare(drop.texts)
        if drop.data or drop.texts:
            self.view.show_step(DATA)

    def _say(self, sentence: str) -> None:
        """Says what was done with what was dropped, until the person does something else."""
        self._note = sentence
        self._show_state()

    def done(self, result: int) -> None:
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)  # only when no task refers to it
        super().done(result)
        self.data.stop()
        self.measuring.stop()
        self._working_out.cancel()
        for queue in (self._quick, self._slow):
            queue.drop_waiting()
            queue.idle.connect(self._delete_when_idle)
        self._delete_when_idle()

    @Slot()
    def _delete_when_idle(self) -> None:
        """Running tasks end in their own time; then the sheet is deleted."""
        if not self._quick.busy and not self._slow.busy:
            self.deleteLater()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The window that it belongs to goes: so does the sheet, and at once."""
        if watched is self._window and event.type() == QEvent.Type.Close:
            if self.isVisible():
                self.reject()
            self._quick.shut_down(_END_MS)
            self._slow.shut_down(_END_MS)
        return super().eventFilter(watched, event)


def _is_of_data(note: str) -> bool:
    """Whether a setting gave way that decides what is learnt from; of intervals the settings tell."""
    return note.startswith(("data.context_length", "data.sequences_per_step", "model.n_positions"))
