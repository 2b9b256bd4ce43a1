"""Card that chooses the size of a model trained from scratch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gptdesk.ui import number_format
from gptdesk.ui.train.new_run.calm_inputs import CalmSlider
from gptdesk.ui.train.new_run.draft.shapes import SHAPES, count_parameters, nearest, shape_of


class SizeCard(QFrame):
    """The slider.

    Signals:
        chosen(object): a `Shape` was chosen.
    """

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "card")
        self.count = QLabel()
        self.count.setProperty("kind", "figure")
        unit = QLabel("parameters")
        unit.setProperty("kind", "muted")
        self.shape = QLabel()
        self.shape.setProperty("kind", "muted")
        self.slider = CalmSlider(len(SHAPES))
        self.slider.setAccessibleName("Size of the model")
        self.shape.setWordWrap(True)
        self.shape.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom)
        head = QHBoxLayout()
        head.setSpacing(6)
        head.addWidget(self.count, 0, Qt.AlignmentFlag.AlignBottom)
        head.addWidget(unit, 0, Qt.AlignmentFlag.AlignBottom)
        head.addWidget(self.shape, 1)
        ends = QHBoxLayout()
        for text, align in (
            ("trains in minutes", Qt.AlignmentFlag.AlignLeft),
            ("GPT-2 XL", Qt.AlignmentFlag.AlignRight),
        ):
            label = QLabel(text)
            label.setProperty("kind", "muted")
            ends.addWidget(label, 1, align)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.setSpacing(8)
        layout.addLayout(head)
        layout.addWidget(self.slider)
        layout.addLayout(ends)
        self.slider.valueChanged.connect(lambda position: self.chosen.emit(SHAPES[position]))

    def show_model(self, model: Mapping[str, Any], vocab_size: int) -> None:
        """Shows the size given by the values of the section ``model`` and the vocabulary of the data."""
        shape = shape_of(model)
        parameters = count_parameters(model, shape, vocab_size)
        self.count.setText(number_format.parameters(parameters) if parameters else "–")
        self.shape.setText(
            f"{number_format.count(shape.n_layer)} layers · {number_format.count(shape.n_head)} heads · "
            f"width {number_format.count(shape.n_embd)}"
        )
        self.slider.setAccessibleDescription(f"{self.count.text()} parameters, {self.shape.text()}")
        self.slider.show_position(nearest(model, vocab_size))
