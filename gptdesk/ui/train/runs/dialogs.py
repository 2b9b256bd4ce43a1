"""Dialogs of runs: sample now, change settings during training, tags, delete."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from gptdesk.bounded_read import number
from gptdesk.errors import UserError
from gptdesk.training.index import RunEntry
from gptdesk.ui import number_format
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.dialog import Dialog
from gptdesk.ui.widgets.inputs.chips import Chips
from gptdesk.ui.widgets.inputs.number_box import NumberBox
from gptdesk.ui.widgets.question import Question

LONGEST_TAG: Final = 24
_LARGEST_INTERVAL: Final = 10_000_000
_LARGEST_FACTOR: Final = 10
"""Range of ``learning_rate_factor`` that the trainer accepts."""

_LARGEST_SEED: Final = 999_999


class _Dialog(Dialog):
    """A dialog with a column of widgets above two buttons."""

    def __init__(self, title: str, accept: str, parent: QWidget | None) -> None:
        super().__init__(title, parent)
        self.setModal(True)
        self.accept_button, cancel = QPushButton(accept), QPushButton("Cancel")
        self.accept_button.setProperty("kind", "accent")
        self.accept_button.setDefault(True)
        self.accept_button.clicked.connect(self._decide)
        cancel.clicked.connect(self.reject)
        self.row = QHBoxLayout()
        self.row.setSpacing(8)
        self.row.addStretch(1)
        self.row.addWidget(cancel)
        self.row.addWidget(self.accept_button)
        self.problem = QLabel()
        self.problem.setTextFormat(Qt.TextFormat.PlainText)
        self.problem.setProperty("kind", "bad")
        self.problem.setWordWrap(True)
        self.problem.hide()
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(24, 24, 24, 24)
        self.column.setSpacing(8)
        self.column.addWidget(self.problem)
        self.column.addSpacing(8)
        self.column.addLayout(self.row)

    def add(self, *widgets: QWidget) -> None:
        """Adds these above the buttons."""
        for widget in widgets:
            self.column.insertWidget(self.column.count() - 3, widget)

    def show_problem(self, sentence: str) -> None:
        """Shows what cannot be used; "" for nothing."""
        self.problem.setText(sentence)
        self.problem.setVisible(bool(sentence))

    def _watch(self, box: NumberBox) -> None:
        """Shows in the dialog what a number box refuses."""
        box.refused.connect(self.show_problem)
        box.valueChanged.connect(lambda _: self.show_problem(""))

    def _decide(self) -> None:
        self.accept()


class SampleDialog(_Dialog):
    """Asks for the prompt of a sample of the present weights.

    Args:
        prompt: preset.
        seed: preset.
        playground: the text of the open document, if any.

    Signals:
        decided(str, int): prompt and seed.
    """

    decided = Signal(str, int)

    def __init__(self, prompt: str, seed: int, playground: str, parent: QWidget | None = None) -> None:
        super().__init__("Sample now", "Sample", parent)
        self.prompt = QPlainTextEdit(prompt)
        self.prompt.setAccessibleName("Prompt")
        self.prompt.setTabChangesFocus(True)
        self.prompt.setFixedHeight(120)
        self.prompt.textChanged.connect(self._judge)
        label = QLabel("Prompt")
        label.setBuddy(self.prompt)
        self.use = QPushButton("Use the text in the Playground")
        self.use.setEnabled(bool(playground.strip()))
        self.use.clicked.connect(lambda: self.prompt.setPlainText(playground))
        self.seed = NumberBox(0, _LARGEST_SEED, 0)
        self.seed.setValue(seed)
        self.seed.setFixedWidth(96)
        self.seed.setAccessibleName("Seed")
        self._watch(self.seed)
        seed_label = QLabel("Seed")
        seed_label.setBuddy(self.seed)
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(8)
        line.addWidget(self.use)
        line.addStretch(1)
        line.addWidget(seed_label)
        line.addWidget(self.seed)
        self.add(label, self.prompt, row)
        self._judge()

    def _judge(self) -> None:
        self.accept_button.setEnabled(bool(self.prompt.toPlainText().strip()))

    def _decide(self) -> None:
        self.decided.emit(self.prompt.toPlainText(), int(self.seed.value()))
        self.accept()


class ChangeDialog(_Dialog):
    """Changes the settings that a trainer accepts during training.

    Args:
        values: in force, by the names of `trainer.run_directory.requests.SETTABLE`.

    Signals:
        decided(object): the changed values, by name.
    """

    decided = Signal(object)

    _ROWS: Final = (
        ("log_interval", "Record the loss every … steps"),
        ("eval_interval", "Evaluate every … steps"),
        ("checkpoint_interval", "Save a checkpoint every … steps"),
        ("learning_rate_factor", "Multiply the learning rate by"),
    )

    def __init__(self, values: Mapping[str, Any], parent: QWidget | None = None) -> None:
        super().__init__("Change while training", "Change", parent)
        self._before = dict(values)
        self.boxes: dict[str, NumberBox] = {}
        form = QFormLayout()
        form.setVerticalSpacing(8)
        for name, title in self._ROWS:
            factor = name == "learning_rate_factor"
            box = NumberBox(0 if factor else 1, _LARGEST_FACTOR if factor else _LARGEST_INTERVAL, 2 if factor else 0)
            box.setValue(number(values.get(name), 1.0))
            box.setFixedWidth(120)
            box.setAccessibleName(title)
            self._watch(box)
            self.boxes[name] = box
            form.addRow(title, box)
        words = QLabel("The run applies them at its next step. The factor stays until you change it again.")
        words.setProperty("kind", "muted")
        words.setWordWrap(True)
        holder = QWidget()
        form.setContentsMargins(0, 0, 0, 0)
        holder.setLayout(form)
        self.add(holder, words)

    def _decide(self) -> None:
        now = {
            name: box.value() if name == "learning_rate_factor" else int(box.value())
            for name, box in self.boxes.items()
        }
        self.decided.emit({name: value for name, value in now.items() if value != self._before.get(name, 1)})
        self.accept()


class TagsDialog(_Dialog):
    """Changes the tags of a run.

    Signals:
        decided(object): the tags.
    """

    decided = Signal(object)

    def __init__(self, theme: Theme, name: str, tags: tuple[str, ...], parent: QWidget | None = None) -> None:
        super().__init__(f"Tags of {name}", "Keep", parent)
        self.tags = Chips(theme, show=lambda tag: f"#{tag}", read=_tag, check=lambda _: None)
        self.tags.line.setAccessibleName("New tag")
        self.tags.line.setPlaceholderText("Type a tag and press Enter")
        self.tags.set_values(tags)
        self.tags.refused.connect(self.show_problem)
        self.tags.changed.connect(lambda: self.show_problem(""))
        self.accept_button.setDefault(False)  # Enter ends a tag
        self.accept_button.setAutoDefault(False)
        for button in self.findChildren(QPushButton):
            button.setAutoDefault(False)
        self.add(self.tags)
        self.tags.line.setFocus()

    def _decide(self) -> None:
        self.decided.emit(self.tags.values)
        self.accept()


def _tag(text: str) -> str:
    tag = text.strip().removeprefix("#").strip()
    if not tag or not tag.isprintable() or " " in tag:
        raise UserError("A tag is one word.")
    if len(tag) > LONGEST_TAG:
        raise UserError(f"A tag may have at most {LONGEST_TAG} characters.")
    return tag


class DeleteDialog(Question):
    """The question; the size is added once it is counted.

    Args:
        entry: the run.
        delete: deletes it.
    """

    def __init__(self, entry: RunEntry, delete: Callable[[], object], parent: QWidget | None = None) -> None:
        self._folder = entry.folder
        super().__init__(
            f"Delete “{entry.name}”?", self._text("…"), [("Delete", delete)], dangerous=True, parent=parent
        )

    def show_size(self, size: int) -> None:
        """Shows the size of the run in bytes."""
        self.words.setText(self._text(number_format.memory(size)))

    def _text(self, size: str) -> str:
        return (
            f"Its history, samples and checkpoints ({size}) in {self._folder} are deleted. "
            "This cannot be undone. Models exported elsewhere are kept."
        )


def check_run_name(name: str) -> None:
    """Refuses names that a list cannot show.

    Raises:
        UserError: when the name cannot be used.
    """
    if not name.isprintable():
        raise UserError("A run needs a name of printable characters.")
    if len(name) > 80:
        raise UserError("A run's name may have at most 80 characters.")
