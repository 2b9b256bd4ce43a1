"""Second step of the New run sheet: from scratch, an existing model, or a checkpoint of a run."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QFileDialog, QLabel, QPushButton, QVBoxLayout, QWidget

from gptdesk.folders import Folders
from gptdesk.library.catalogue import ModelEntry, describe_model
from gptdesk.training.index import RunIndex
from gptdesk.ui import number_format
from gptdesk.ui.services.background import TaskQueue
from gptdesk.ui.theme import Theme
from gptdesk.ui.train.new_run.draft.draft import Base
from gptdesk.ui.train.new_run.start.choice_list import Choice, ChoiceList
from gptdesk.ui.train.new_run.start.size_card import SizeCard
from gptdesk.ui.train.new_run.start.tasks import Checkpoint, Starts, find_starts
from gptdesk.ui.train.new_run.step import Step
from gptdesk.ui.widgets.flow_layout import FlowLayout

FRESH, MODEL, CHECKPOINT = "fresh", "model", "checkpoint"

_NO_CHECKPOINTS: Final = "No run has a checkpoint yet."
_NO_GPT2: Final = "GPT-2 is not among your models yet. Download it on the Models page, or open its folder."


class StartStep(Step):
    """Chooses the model that training starts from.

    Signals:
        chosen(object): a `Base`.
        shape_chosen(object): train a model of this `Shape` from scratch.
    """

    chosen = Signal(object)
    shape_chosen = Signal(object)

    def __init__(
        self, theme: Theme, folders: Folders, index: RunIndex, quick: TaskQueue, parent: QWidget | None = None
    ) -> None:
        super().__init__("Start from", "Train from scratch, or continue from an existing model.", parent)
        self._folders, self._index, self._quick = folders, index, quick
        self._base = Base()
        self._bases: dict[str, Base] = {}
        self._listed: list[Choice] = []  # models of the library
        self.kinds = {
            FRESH: QPushButton("From scratch"),
            MODEL: QPushButton("Existing model"),
            CHECKPOINT: QPushButton("Checkpoint of a run"),
        }
        self._group = QButtonGroup(self)
        kinds = QWidget()
        row = FlowLayout(kinds, spacing=8)
        for button in self.kinds.values():
            button.setCheckable(True)
            self._group.addButton(button)
            row.addWidget(button)
        self.size_card = SizeCard()
        self.models, self.checkpoints = ChoiceList(), ChoiceList()
        self._note = QLabel()
        self._note.setProperty("kind", "muted")
        self._note.setWordWrap(True)
        self.open = QPushButton("Open a model's folder…")
        self.open.setProperty("kind", "muted")
        self._models = QWidget()
        models = QVBoxLayout(self._models)
        models.setContentsMargins(0, 0, 0, 0)
        models.setSpacing(8)
        models.addWidget(self.models)
        self.column.addWidget(kinds)
        self.column.addSpacing(4)
        for widget in (self.size_card, self._models, self.checkpoints, self._note, self.problem_label):
            self.column.addWidget(widget)
        self.column.addWidget(self.open, 0, Qt.AlignmentFlag.AlignLeft)
        self.kinds[FRESH].setChecked(True)
        for kind, button in self.kinds.items():
            button.clicked.connect(partial(self._on_kind, kind))
        self.size_card.chosen.connect(self.shape_chosen)
        self.models.chosen.connect(self._on_chosen)
        self.checkpoints.chosen.connect(self._on_chosen)
        self.open.clicked.connect(self._open_folder)
        self._show_kind(FRESH)

    def start(self) -> None:
        """Lists models and checkpoints, in the background."""
        self._quick.run(partial(find_starts, self._folders, self._index), self._on_found, self.show_problem)

    def show_base(self, base: Base, model: Mapping[str, Any], vocab_size: int) -> None:
        """Shows the model to start from; for one from scratch, the section ``model`` and its vocabulary."""
        self.size_card.show_model(model, vocab_size)
        if base == self._base:
            return
        self._base = base
        if base.folder and base.folder not in self._bases:  # an opened folder, or named by a TOML file
            self._bases[base.folder] = base
            self._fill_models()
        kind = CHECKPOINT if base.folder in self.checkpoints.rows else MODEL if base.folder else FRESH
        self._show_kind(kind)

    def _on_found(self, starts: Starts) -> None:
        opened = {folder: base for folder, base in self._bases.items() if folder == self._base.folder}
        models = {
            str(entry.path): Base(entry.name, str(entry.path), entry.config.n_positions) for entry in starts.models
        }
        kept = {each.base.folder: each.base for each in starts.checkpoints}
        self._bases = {**opened, **models, **kept}
        self._listed = [_model_choice(entry) for entry in starts.models]
        self.checkpoints.show_choices([_checkpoint_choice(each) for each in starts.checkpoints], self._base.folder)
        self._fill_models()
        self._show_kind(self.kind)

    def _fill_models(self) -> None:
        listed = {choice.key for choice in self._listed} | set(self.checkpoints.rows)
        others = [
            Choice(folder, base.name, folder) for folder, base in self._bases.items() if folder and folder not in listed
        ]
        self.models.show_choices([*self._listed, *others], self._base.folder)

    @property
    def kind(self) -> str:
        return next(kind for kind, button in self.kinds.items() if button.isChecked())

    def _on_kind(self, kind: str) -> None:
        """Chooses the first model of that kind, so that every click leads to a run that can start."""
        rows = {MODEL: self.models.rows, CHECKPOINT: self.checkpoints.rows}.get(kind, {})
        if kind == FRESH:
            self.chosen.emit(Base())
        elif rows and self._base.folder not in rows:
            self._on_chosen(next(iter(rows)))
        self._show_kind(kind)

    def _show_kind(self, kind: str) -> None:
        self.kinds[kind].setChecked(True)
        self.size_card.setVisible(kind == FRESH)
        self._models.setVisible(kind == MODEL)
        self.checkpoints.setVisible(kind == CHECKPOINT and bool(self.checkpoints.rows))
        self.open.setVisible(kind == MODEL)
        has_gpt2 = any(choice.title.startswith("gpt2") for choice in self._listed)
        note = {MODEL: "" if has_gpt2 else _NO_GPT2, CHECKPOINT: "" if self.checkpoints.rows else _NO_CHECKPOINTS}
        self._note.setText(note.get(kind, ""))
        self._note.setVisible(bool(note.get(kind)))
        self.models.mark(self._base.folder)
        self.checkpoints.mark(self._base.folder)

    def _on_chosen(self, folder: str) -> None:
        self.show_problem("")
        self.chosen.emit(self._bases[folder])

    def _open_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "A model's folder", str(Path.home()))
        if folder:
            self.use_folder(Path(folder))

    def use_folder(self, folder: Path) -> None:
        """Chooses the model in that folder, once it is known to be one."""
        self._quick.run(partial(describe_model, folder), self._on_described, self.show_problem)

    def _on_described(self, entry: ModelEntry) -> None:
        self.show_problem("")
        self.chosen.emit(Base(entry.name, str(entry.path), entry.config.n_positions))


def _model_choice(entry: ModelEntry) -> Choice:
    note = "Bundled with gptdesk; writes short stories" if entry.bundled else str(entry.path)
    return Choice(str(entry.path), entry.name, note, number_format.parameters(entry.parameters))


def _checkpoint_choice(each: Checkpoint) -> Choice:
    best = ", its best" if each.best else ""
    note = f"Step {number_format.count(each.step)}{best} · {number_format.ago(max(0.0, time.time() - each.t))}"
    return Choice(each.base.folder, each.run, note, number_format.parameters(each.parameters))
