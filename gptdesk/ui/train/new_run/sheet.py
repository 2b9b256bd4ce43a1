"""The New run sheet: data, model to start from, settings; starts the run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QDialog, QLineEdit, QWidget

from gptdesk.training.data.vocabulary import GPT2, Vocabulary
from gptdesk.training.estimate import Summary
from gptdesk.training.index import RunIndex
from gptdesk.training.launch import HERE, Launcher
from gptdesk.ui.services.background import TaskQueue
from gptdesk.ui.services.services import Services
from gptdesk.ui.train.new_run.closing import SheetClosing
from gptdesk.ui.train.new_run.data.step import ChosenData, DataStep
from gptdesk.ui.train.new_run.draft.draft import Base, Draft
from gptdesk.ui.train.new_run.draft.readiness import Readiness
from gptdesk.ui.train.new_run.draft.shapes import Shape
from gptdesk.ui.train.new_run.evaluation import DraftEvaluation
from gptdesk.ui.train.new_run.intake import FileIntake
from gptdesk.ui.train.new_run.layout import SheetLayout
from gptdesk.ui.train.new_run.measuring import Measuring
from gptdesk.ui.train.new_run.readiness_view import ReadinessView
from gptdesk.ui.train.new_run.settings.step import SettingsStep
from gptdesk.ui.train.new_run.settings.text import SettingsText
from gptdesk.ui.train.new_run.start.step import StartStep
from gptdesk.ui.train.new_run.starter import RunStarter
from gptdesk.ui.train.new_run.vocabulary.measuring import VocabularyMeasuring

_LARGEST: Final = QSize(1160, 780)
_SMALLEST: Final = QSize(640, 400)
_MARGIN: Final = 48
"""Of the window that stays in view around the sheet."""


class NewRunSheet(QDialog):
    """Edits the draft of a run in three steps. Show it with ``open()``, which does not block.

    A preparation of data continues when the sheet is closed, and the next sheet finds it.

    Args:
        services: of the window.
        index: of all runs.

    Attributes:
        draft: the settings so far.
        evaluation: their problems.

    Signals:
        started(object): the `Path` of the run that was started.
        put_off(object): a run starts when the data in that folder (a `Path`) is ready.
    """

    started = Signal(object)
    put_off = Signal(object)

    def __init__(self, services: Services, index: RunIndex, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        theme, folders, runs = services.theme, services.folders, services.folders.runs
        self.draft = Draft()
        quick, slow = TaskQueue("new run", self), TaskQueue("new run, slow", self)
        self.data = DataStep(theme, folders, quick, slow)
        self.start_from = StartStep(theme, folders, index, quick)
        self.settings = SettingsStep(theme, self.draft)
        steps = (self.data, self.start_from, self.settings)
        self.view = SheetLayout(theme, steps, self)
        self.summary, self.stepper, self.start = self.view.summary, self.view.stepper, self.view.start
        self.measuring = Measuring(self.summary, slow, self)
        self.densities = VocabularyMeasuring(self.data.vocabulary_card, slow, self)
        self.text = SettingsText(self.draft, runs, self.summary, quick, self)
        self.evaluation = DraftEvaluation(self.draft, runs, quick, self.view.show_failure, self)
        self.starter = RunStarter(runs, services.run_monitor, quick, self.view.show_failure, self)
        self.state = ReadinessView(self.draft, self.evaluation, self.starter, self.view, steps, self)
        self.intake = FileIntake(self.data, self.start_from, self.text, self.view, self.state, self)
        window = parent.window() if parent is not None else None
        self._closing = SheetClosing(self, window, (quick, slow))
        self.setWindowTitle("New run")
        self.setMinimumSize(_SMALLEST)
        room = window.size() - QSize(_MARGIN, _MARGIN) if window is not None else _LARGEST
        self.resize(_LARGEST.boundedTo(room).expandedTo(_SMALLEST))
        for line in self.findChildren(QLineEdit):
            line.setAcceptDrops(False)
        self._connect()
        self.data.start()
        self.start_from.start()
        self._show()

    def _connect(self) -> None:
        self.data.chosen.connect(self._on_data)
        self.data.waiting_changed.connect(self._on_waiting)
        self.data.vocabulary_card.chosen.connect(self._on_vocabulary)
        self.densities.changed.connect(self._show)
        self.start_from.chosen.connect(self._on_base)
        self.start_from.shape_chosen.connect(self._on_shape)
        self.settings.preset_chosen.connect(self._on_preset)
        self.settings.form.changed.connect(self._on_setting)
        self.settings.launcher.changed.connect(self._on_launcher)
        self.summary.named.connect(self._on_named)
        self.text.read.connect(self._on_settings_read)
        self.text.failed.connect(self._on_text_failed)
        self.view.cancel.clicked.connect(self.reject)
        self.start.clicked.connect(self._on_start)
        self.evaluation.draft_changed.connect(self._show)
        self.evaluation.done.connect(self._on_evaluated)
        self.starter.changed.connect(self.state.show)
        self.starter.started.connect(self._on_started)
        self.starter.put_off.connect(self._on_put_off)

    # What the user chooses

    @Slot(object)
    def _on_data(self, data: ChosenData) -> None:
        self.draft.choose_data(data.path, data.name, data.train_tokens, by_user=data.by_user)
        self._show()

    @Slot()
    def _on_waiting(self) -> None:
        waiting, vocabulary = self.data.waiting, self.draft.vocabulary
        vocabulary.waiting = None
        if waiting is not None:
            vocabulary.wait_for(waiting.name, self.data.waiting_vocabulary)
        self._show()

    @Slot(object)
    def _on_vocabulary(self, vocabulary: Vocabulary) -> None:
        self.draft.vocabulary.choose(vocabulary)
        self._on_changed()

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
        elif key == "model.init_from":
            self.draft.start_from(Base(Path(str(value)).name, str(value)))
        else:
            self.draft.set(key, value)
        self._on_changed()

    @Slot(object)
    def _on_launcher(self, launcher: Launcher) -> None:
        self.draft.launcher = launcher
        self._on_changed()

    def _on_changed(self) -> None:
        self.state.note = ""
        self._show()

    @Slot(str)
    def _on_named(self, name: str) -> None:
        self.draft.name = name

    def _on_settings_read(self, values: Mapping[str, Mapping[str, object]]) -> None:
        """Data that a file names is the run's, whatever was being prepared or has failed."""
        self.draft.replace(values)
        if values.get("data", {}).get("path"):
            self.data.wait_for(None)
        self._show()

    @Slot(str)
    def _on_text_failed(self, sentence: str) -> None:
        self.state.say("")
        self.view.show_failure(sentence)

    # What is shown

    @Slot()
    def _show(self) -> None:
        """Shows the draft everywhere, and evaluates it soon."""
        values, vocabulary = self.draft.values(), self.draft.vocabulary
        self.settings.show_draft(self.draft)
        path = values["data"]["path"]
        self.data.show_chosen(path)
        self.densities.offer(
            self.data.waiting or (Path(path) if path else None),
            wanted=vocabulary.chosen.kind != GPT2 and not vocabulary.base,
        )
        vocabulary.measured = self.densities.found
        self.data.vocabulary = vocabulary.wanted
        self.data.vocabulary_card.show_choice(vocabulary, values["model"])
        self.start_from.show_base(self.draft.base, values["model"], vocabulary.size)
        self.summary.show_name(self.draft.name, self.draft.suggested_name)
        self.measuring.forget()
        self.evaluation.schedule()
        self.state.show()

    @Slot(object)
    def _on_evaluated(self, summary: Summary) -> None:
        self.summary.show_summary(summary)
        self.state.show_problems()
        self.state.show()
        ready = not self.readiness.problems and self.draft.launcher.kind == HERE
        self.measuring.offer(self.draft.values() if ready else None)

    @property
    def readiness(self) -> Readiness:
        """Whether the run can be started, and if not, why."""
        return self.state.readiness

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.view.fit(event.size().width())

    # Start and close

    @Slot()
    def _on_start(self) -> None:
        if self.data.waiting:
            self.starter.start_later(self.draft, self.data.waiting)
            return
        self.measuring.forget()
        self.starter.start(self.draft)

    @Slot(object)
    def _on_put_off(self, data: Path) -> None:
        self.put_off.emit(data)
        self.accept()

    @Slot(object)
    def _on_started(self, folder: Path) -> None:
        self.started.emit(folder)
        self.accept()

    def done(self, result: int) -> None:
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)  # only when no task refers to it
        super().done(result)
        self.data.stop()
        self.measuring.stop()
        self.densities.stop()
        self.evaluation.stop()
        self._closing.delete_sheet()
