"""Dialog that changes settings of a run during training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFormLayout, QLabel, QWidget

from gptdesk.bounded_read import number
from gptdesk.ui.fonts import scaled
from gptdesk.ui.widgets.input_dialogs.input_dialog import InputDialog
from gptdesk.ui.widgets.inputs.number_box import NumberBox

_LARGEST_INTERVAL: Final = 10_000_000
_LARGEST_FACTOR: Final = 10
"""Range of ``learning_rate_factor`` that the trainer accepts."""


class ChangeDialog(InputDialog):
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
            box.setFixedWidth(scaled(120))
            box.setAccessibleName(title)
            self.watch(box)
            self.boxes[name] = box
            form.addRow(title, box)
        words = QLabel("The run applies them at its next step. The factor stays until you change it again.")
        words.setProperty("kind", "muted")
        words.setWordWrap(True)
        self.add(form, words)

    def decide(self) -> None:
        now = {
            name: box.value() if name == "learning_rate_factor" else int(box.value())
            for name, box in self.boxes.items()
        }
        self.decided.emit({name: value for name, value in now.items() if value != self._before.get(name, 1)})
        self.accept()
