"""The New run sheet: data, model to start from, settings; starts the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QDialog, QLineEdit, QWidget

from gptdesk.training.estimate import Summary
from gptdesk.training.index import RunIndex
from gptdesk.training.launch import HERE, Launcher
from gptdesk.ui.services.background import TaskQueue
from gptdesk.ui.services.services import Services
from gptdesk.ui.train.new_run.data.drop_parsing import sort_drop
from gptdesk.ui.train.new_run.data.step import DataStep
from gptdesk.ui.train.new_run.draft import Base, Draft
from gptdesk.ui.train.new_run.evaluation import DraftEvaluation
from gptdesk.ui.train.new_run.layout import SheetLayout
from gptdesk.ui.train.new_run.measuring import Measuring
from gptdesk.ui.train.new_run.readiness import DATA, START, Readiness
from gptdesk.ui.train.new_run.readiness_view import ReadinessView
from gptdesk.ui.train.new_run.settings.step import SettingsStep
from gptdesk.ui.train.new_run.settings.text import SettingsText
from gptdesk.ui.train.new_run.start.shapes import Shape
from gptdesk.ui.train.new_run.start.step import StartStep
from gptdesk.ui.train.new_run.starter import RunStarter
from gptdesk.ui.widgets.file_drops import FileDrops

_LARGEST: Final = QSize(1160, 780)
_SMALLEST: Final = QSize(640, 400)
_MARGIN: Final = 48
"""Of the window that stays in view around the sheet."""

_END_MS: Final = 15_000


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
        runs = services.folders.runs
        self.draft = Draft()
        self._window: QWidget | None = None
        self._quick, self._slow = TaskQueue("new run", self), TaskQueue("new run, slow", self)
        theme, folders = services.theme, services.folders
        self.data = DataStep(theme, folders, self._quick, self._slow)
        self.start_from = StartStep(theme, folders, index, self._quick)
        self.settings = SettingsStep(theme, self.draft)
        self.view = SheetLayout(theme, [self.data, self.start_from, self.settings], self)
        self.summary, self.stepper, self.start = self.view.summary, self.view.stepper, self.view.start
        self.measuring = Measuring(self.summary, self._slow, self)
        self.text = SettingsText(self.draft, runs, self.summary, self._quick, self)
        self.evaluation = DraftEvaluation(self.draft, runs, self._quick, self.view.show_failure, self)
        self.starter = RunStarter(runs, services.run_monitor, self._quick, self.view.show_failure, self)
        steps = (self.data, self.start_from, self.settings)
        self.state = ReadinessView(self.draft, self.evaluation, self.starter, self.view, steps, self)
        self.drops = FileDrops(self)
        self.setWindowTitle("New run")
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
        self.view.cancel.clicked.connect(self.reject)
        self.start.clicked.connect(self._on_start)
        self.evaluation.draft_changed.connect(self._show)
        self.evaluation.done.connect(self._on_evaluated)
        self.starter.changed.connect(self.state.show)
        self.starter.started.connect(self._on_started)
        self.starter.put_off.connect(self._on_put_off)
        self.drops.hovered.connect(self.data.drop.show_over)
        self.drops.dropped.connect(self.take)

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

    @Slot()
    def _show(self) -> None:
        """Shows the draft everywhere, and evaluates it soon."""
        values = self.draft.values()
        self.settings.show_draft(self.draft)
        self.start_from.show_base(self.draft.base, values["model"], self.draft.vocab_size)
        self.data.show_chosen(values["data"]["path"])
        self.summary.show_name(self.draft.name, self.draft.suggested_name)
        self.measuring.forget()
        self.evaluation.schedule()
        self.state.show()

    @Slot(object)
    def _on_evaluated(self, summary: Summary) -> None:
        self.summary.show_summary(summary)
        self.state.show_problems()
        self.state.show()
        ready = not self.problems and self.draft.launcher.kind == HERE
        self.measuring.offer(self.draft.values() if ready else None)

    @property
    def problems(self) -> Mapping[str, str]:
        """A sentence for every setting that cannot work, by ``section.key``."""
        return self.evaluation.problems

    @property
    def readiness(self) -> Readiness:
        """Whether the run can be started, and if not, why."""
        return self.state.readiness

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

    @Slot(object)
    def take(self, paths: Sequence[str | Path]) -> None:
        """Uses files that were dropped or picked: settings, prepared data, a model, text."""
        drop = sort_drop([str(path) for path in paths])
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
        """Says how dropped files are used, until the user changes something."""
        self.state.note = sentence
        self.state.show()

    def done(self, result: int) -> None:
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)  # only when no task refers to it
        super().done(result)
        self.data.stop()
        self.measuring.stop()
        self.evaluation.stop()
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
        """Closes the sheet with its window, and ends its tasks."""
        if watched is self._window and event.type() == QEvent.Type.Close:
            if self.isVisible():
                self.reject()
            self._quick.shut_down(_END_MS)
            self._slow.shut_down(_END_MS)
        return super().eventFilter(watched, event)
