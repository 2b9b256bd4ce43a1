"""First step of the New run sheet: choose or prepare data. Preparations continue without the sheet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QFileDialog, QLabel, QPushButton, QVBoxLayout, QWidget

from gptdesk.folders import Folders
from gptdesk.training.data import preparations
from gptdesk.training.data.preparations import BUNDLED_TEXTS, Preparation, PreparedSet
from gptdesk.ui import number_format
from gptdesk.ui.services.background import Task, TaskQueue
from gptdesk.ui.theme import Theme
from gptdesk.ui.train.new_run.data.drop_zone import DropZone
from gptdesk.ui.train.new_run.data.plan_card import HUB_SETS, PlanCard
from gptdesk.ui.train.new_run.data.preparation_card import PreparationCard
from gptdesk.ui.train.new_run.data.preview import Preview
from gptdesk.ui.train.new_run.data.tasks import Found, Look, begin, look, preview
from gptdesk.ui.train.new_run.data.text_card import TextCard
from gptdesk.ui.train.new_run.start.choice_list import Choice, ChoiceList
from gptdesk.ui.train.new_run.step import Step

_EVERY_MS: Final = 500


class DataStep(Step):
    """Chooses the data.

    Args:
        quick: queue of short tasks.
        slow: queue of tasks that take seconds.

    Attributes:
        waiting: data in preparation for this run; it is chosen when it is ready.

    Signals:
        chosen(str, str, object): folder of prepared data, its name, tokens to train on.
        picked(list): paths of files and folders chosen in dialogs.
        waiting_changed(): emitted when ``waiting`` or ``failure`` changes.
    """

    chosen = Signal(str, str, object)
    picked = Signal(list)
    waiting_changed = Signal()

    def __init__(
        self, theme: Theme, folders: Folders, quick: TaskQueue, slow: TaskQueue, parent: QWidget | None = None
    ) -> None:
        super().__init__("Data", "The text to train on.", parent)
        self._theme, self._folders, self._quick, self._slow = theme, folders, quick, slow
        self.waiting: Path | None = None
        self._path = ""
        self._asked = False
        self._beginning: set[tuple[str, ...]] = set()
        self._failure = ""
        self._cancelling: set[Path] = set()
        self._plan_tasks: dict[str, Task] = {}  # by data set
        self.cards: dict[Path, PreparationCard] = {}
        self.drop = DropZone(theme)
        self.sets = ChoiceList()
        self.preview = Preview(theme)
        self.texts = {text.name: TextCard(text) for text in BUNDLED_TEXTS.values()}
        self.plans = {hub_set.name: PlanCard(hub_set) for hub_set in HUB_SETS}
        self._cards = QWidget()
        self._cards_layout = QVBoxLayout(self._cards)
        self._cards_layout.setContentsMargins(0, 0, 0, 0)
        self._cards_layout.setSpacing(8)
        self._cards.hide()
        self._ready_title = _caption("Ready to use")
        self.open = QPushButton("Other prepared folder…")
        self.open.setProperty("kind", "muted")
        for widget in (self.drop, self._cards, self.problem_label, self._ready_title, self.sets, self.preview):
            self.column.addWidget(widget)
        self.column.addWidget(_caption("Bundled with gptdesk"))
        for text in self.texts.values():
            self.column.addWidget(text)
            text.use_wanted.connect(self.use_text)
        self.column.addWidget(_caption("From the Hugging Face hub"))
        for card in self.plans.values():
            self.column.addWidget(card)
            card.plan_wanted.connect(self._ask_plan)
            card.cancelled.connect(self._forget_plan)
            card.prepare_wanted.connect(self._prepare_hub_set)
        self.column.addWidget(self.open, 0, Qt.AlignmentFlag.AlignLeft)
        self.drop.picked.connect(self.picked)
        self.sets.chosen.connect(self._on_set_chosen)
        self.open.clicked.connect(self._open_folder)
        self._ready: dict[str, PreparedSet] = {}
        self._ready_title.hide()
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self._look)

    def start(self) -> None:
        """Starts listing data, twice a second."""
        self.drop.files.setFocus()
        self._timer.start()
        self._look()

    def stop(self) -> None:
        """Stops listing data; preparations continue."""
        self._timer.stop()
        for task in self._plan_tasks.values():
            task.cancel()

    @property
    def failure(self) -> str:
        """Why preparing ``waiting`` failed; "" if it has not."""
        card = self.cards.get(self.waiting) if self.waiting else None
        if card is None or card.state.state != "failed":
            return ""
        return card.state.error or "see its output on the Train page."

    @Slot(list)
    def prepare(self, sources: Sequence[str]) -> None:
        """Prepares files, folders or data sets of the hub; the data is chosen when it is ready."""
        if tuple(sources) in self._beginning:
            return
        self._beginning.add(tuple(sources))
        self.show_problem("")
        work = partial(
            begin,
            self._folders,
            tuple(sources),
            validation=tuple(self.drop.validation),
            column=self.drop.column.text().strip() or "text",
            template=self.drop.template.currentData(),
            learn_prompts=self.drop.learn_prompts.isChecked(),
        )

        def failed(sentence: str) -> None:
            self._beginning.discard(tuple(sources))
            self.show_problem(sentence)

        self._quick.run(work, partial(self._on_begun, tuple(sources)), failed)

    @Slot(str, str)
    def show_chosen(self, path: str) -> None:
        """Marks the chosen data."""
        if path == self._path:
            return
        self._path = path
        self.sets.mark(path)
        self.preview.show_documents(())
        if path:
            self._quick.run(partial(preview, Path(path)), partial(self._on_preview, path), lambda _: None)

    @Slot(str)
    def use_text(self, name: str) -> None:
        """Chooses a bundled text, and prepares it if needed."""
        folder = preparations.data_folder(self._folders, name)
        if str(folder) in self._ready:
            self._on_set_chosen(str(folder))
        elif folder in self.cards or folder == self.waiting:
            self.wait_for(folder)
        else:
            self.prepare([str(BUNDLED_TEXTS[name].path)])  # a folder may have the same name

    def _prepare_hub_set(self, name: str) -> None:
        self.plans[name].reset()
        self.prepare([name])

    def _on_begun(self, sources: tuple[str, ...], folder: Path) -> None:
        self._beginning.discard(sources)
        self.wait_for(folder)
        self._look()

    def wait_for(self, folder: Path | None) -> None:
        """Chooses the data in that folder as soon as it is ready."""
        if folder != self.waiting:
            self.waiting = folder
            self.waiting_changed.emit()

    def _on_preview(self, path: str, seen: Look) -> None:
        if path == self._path:
            self.preview.show_documents(seen.documents, seen.report)

    @Slot()
    def _look(self) -> None:
        if not self._asked:
            self._asked = True
            self._quick.run(partial(look, self._folders), self._on_found, self._on_look_failed)

    def _on_look_failed(self, _sentence: str) -> None:
        self._asked = False

    def _on_found(self, found: Found) -> None:
        self._asked = False
        self._ready = {str(data.path): data for data in found.ready}
        self.sets.show_choices([_choice(data) for data in found.ready], self._path)
        self._ready_title.setVisible(bool(found.ready))
        states = {folder: state for folder, state in found.under_way if str(folder) not in self._ready}
        for folder in [folder for folder in self.cards if folder not in states]:
            card = self.cards.pop(folder)
            self._cards_layout.removeWidget(card)
            card.hide()
            card.deleteLater()
        for folder, state in states.items():
            if folder not in self.cards:
                self._add_card(folder)
            if folder not in self._cancelling:
                self.cards[folder].show_state(state)
        self._cards.setVisible(bool(self.cards))
        self._settle(states)
        if self.failure != self._failure:
            self._failure = self.failure
            self.waiting_changed.emit()

    def _settle(self, states: Mapping[Path, Any]) -> None:
        """Chooses ``waiting`` once it is ready; without it, waits for a preparation in progress."""
        if self.waiting and str(self.waiting) in self._ready:
            data = self._ready[str(self.waiting)]
            self.wait_for(None)
            self._choose(data)
        elif self.waiting and self.waiting not in states:
            self.wait_for(None)
        elif not self.waiting and not self._path:
            active = [folder for folder, state in states.items() if state.active]
            if active:
                self.wait_for(active[0])

    def _add_card(self, folder: Path) -> None:
        card = PreparationCard(self._theme, folder)
        card.pause_wanted.connect(lambda folder: self._ask(folder, Preparation(folder).pause))
        card.resume_wanted.connect(lambda folder: self._ask(folder, Preparation(folder).resume))
        card.cancel_wanted.connect(self._cancel)
        self.cards[folder] = card
        self._cards_layout.addWidget(card)

    def _ask(self, folder: Path, work: Callable[[], None]) -> None:
        self._quick.run(work, lambda _: self._look(), partial(self._on_refused, folder))

    def _cancel(self, folder: Path) -> None:
        self._cancelling.add(folder)

        def over(_: object) -> None:
            self._cancelling.discard(folder)
            self._look()

        def failed(sentence: str) -> None:
            self._cancelling.discard(folder)
            self._on_refused(folder, sentence)

        self._slow.run(Preparation(folder).cancel, over, failed)

    def _on_refused(self, folder: Path, sentence: str) -> None:
        if folder in self.cards:
            self.cards[folder].show_problem(sentence)

    def _ask_plan(self, name: str) -> None:
        card = self.plans[name]
        card.show_asking()
        if name in self._plan_tasks:
            self._plan_tasks[name].cancel()
        folder = preparations.new_data_folder(self._folders, name)
        self._plan_tasks[name] = self._slow.run_task(
            lambda task: preparations.plan([name], folder=folder, stop=task.stop), card.show_plan, card.show_failure
        )

    def _forget_plan(self, name: str) -> None:
        self._plan_tasks[name].cancel()
        self.plans[name].reset()

    def _on_set_chosen(self, path: str) -> None:
        self.wait_for(None)
        self._choose(self._ready[path])

    def _choose(self, data: PreparedSet) -> None:
        self.show_problem("")
        self.chosen.emit(str(data.path), data.name, data.train_tokens)

    def _open_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "A folder that was prepared", str(Path.home()))
        if folder:
            self.use_folder(Path(folder))

    def use_folder(self, folder: Path) -> None:
        """Chooses any folder of prepared data."""
        self.show_problem("")
        self.wait_for(None)
        self.chosen.emit(str(folder), folder.name, 0)


def _choice(data: PreparedSet) -> Choice:
    tokens = data.train_tokens + data.val_tokens
    documents = "1 document" if data.documents == 1 else f"{number_format.count(data.documents)} documents"
    return Choice(str(data.path), data.name, documents, f"{number_format.parameters(tokens)} tokens")


def _caption(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("kind", "muted")
    label.setContentsMargins(0, 8, 0, 0)
    return label
