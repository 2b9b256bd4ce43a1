"""Dialog that asks for the prompt of a sample."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QWidget

from gptdesk.ui.fonts import scaled
from gptdesk.ui.widgets.input_dialogs.input_dialog import InputDialog
from gptdesk.ui.widgets.inputs.number_box import NumberBox

_LARGEST_SEED: Final = 999_999


class SampleDialog(InputDialog):
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
        self.prompt.setFixedHeight(scaled(120))
        self.prompt.textChanged.connect(self._judge)
        label = QLabel("Prompt")
        label.setBuddy(self.prompt)
        self.use = QPushButton("Use the text in the Playground")
        self.use.setEnabled(bool(playground.strip()))
        self.use.clicked.connect(lambda: self.prompt.setPlainText(playground))
        self.seed = NumberBox(0, _LARGEST_SEED, 0)
        self.seed.setValue(seed)
        self.seed.setFixedWidth(scaled(96))
        self.seed.setAccessibleName("Seed")
        self.watch(self.seed)
        seed_label = QLabel("Seed")
        seed_label.setBuddy(self.seed)
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self.use)
        line.addStretch(1)
        line.addWidget(seed_label)
        line.addWidget(self.seed)
        self.add(label, self.prompt, line)
        self._judge()

    def _judge(self) -> None:
        self.accept_button.setEnabled(bool(self.prompt.toPlainText().strip()))

    def decide(self) -> None:
        self.decided.emit(self.prompt.toPlainText(), int(self.seed.value()))
        self.accept()
