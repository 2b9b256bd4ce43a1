"""Summary of the run: figures, name, and the settings as text."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from gptdesk.training.estimate import DryRun, Summary
from gptdesk.ui import number_format
from gptdesk.ui.widgets.style_state import set_kind
from gptdesk.ui.widgets.tooltips import wrapped

_ROWS: Final = {
    "parameters": ("Parameters", "Weights of the model."),
    "tokens": ("Tokens", "Tokens processed during training: steps times tokens per step."),
    "epochs": ("Epochs", "How often the run passes over the training data."),
    "memory": ("Memory", "Estimated peak memory of one process, within about 20 %."),
    "disk": (
        "Checkpoints",
        "Disk space of all checkpoints that exist at one time: newest, best, and next.",
    ),
    "device": ("Runs on", "Device and precision that the trainer would choose on this computer."),
    "time": ("Time here", "Measured on this computer; other programs that run at the same time make it longer."),
}
_NOTHING: Final = "–"
_MANY_EPOCHS: Final = 40


class SummaryPanel(QWidget):
    """The panel.

    Signals:
        named(str): name the run so; "" for the suggested name.
        measure_wanted(), measure_cancelled(): measure the time on this computer, or stop that.
    """

    named = Signal(str)
    measure_wanted = Signal()
    measure_cancelled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = QLineEdit()
        self.name.setAccessibleName("Name of the run")
        self.name.setMaxLength(100)
        label = QLabel("Name")
        label.setBuddy(self.name)
        self.values: dict[str, QLabel] = {}
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(10)
        grid.setColumnStretch(1, 1)
        for row, (key, (title, tip)) in enumerate(_ROWS.items()):
            words, value = QLabel(title), QLabel(_NOTHING)
            words.setProperty("kind", "muted")
            value.setProperty("kind", "heading")
            value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
            value.setTextFormat(Qt.TextFormat.PlainText)
            value.setWordWrap(True)  # "about 11 h 46 min" is longer than its place in some fonts
            value.setAccessibleName(title)
            words.setAlignment(Qt.AlignmentFlag.AlignTop)
            for each in (words, value):
                each.setToolTip(wrapped(tip))
            self.values[key] = value
            grid.addWidget(words, row, 0)
            grid.addWidget(value, row, 1)
        self.note = QLabel()
        self.note.setTextFormat(Qt.TextFormat.PlainText)
        self.note.setWordWrap(True)
        self.note.setProperty("kind", "muted")
        self.measure = QPushButton("Measure")
        self.measure.setProperty("kind", "small")
        self.measure.setAccessibleName("Measure the time it takes here")
        measure_row = QHBoxLayout()
        measure_row.addStretch(1)
        measure_row.addWidget(self.measure)
        self.copy_command, self.copy_toml = QPushButton("Copy command"), QPushButton("Copy TOML")
        self.open_toml = QPushButton("Open TOML…")
        self.copied = QLabel()
        self.copied.setProperty("kind", "muted")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(label)
        layout.addWidget(self.name)
        layout.addSpacing(12)
        layout.addLayout(grid)
        layout.addLayout(measure_row)
        layout.addWidget(self.note)
        layout.addStretch(1)
        layout.addWidget(self.copied)
        for button in (self.copy_command, self.copy_toml, self.open_toml):
            layout.addWidget(button)
        self._measuring = False
        self.name.textEdited.connect(lambda text: self.named.emit(text.strip()))
        self.measure.clicked.connect(self._on_measure)
        self.show_measurable(False)

    @property
    def measuring(self) -> bool:
        return self._measuring

    def show_name(self, name: str, suggested: str) -> None:
        self.name.setPlaceholderText(suggested or "run")
        if self.name.text().strip() != name:
            self.name.setText(name)

    def show_summary(self, summary: Summary) -> None:
        """Shows the figures that need no measurement."""
        epochs = summary.epochs
        disk = summary.checkpoint_bytes * summary.checkpoints_at_once
        shown = {
            "parameters": number_format.parameters(summary.parameters) if summary.parameters else _NOTHING,
            "tokens": number_format.parameters(summary.tokens) if summary.tokens else _NOTHING,
            "epochs": number_format.decimal(epochs, 0 if epochs >= 10 else 1 if epochs >= 1 else 2)
            if epochs
            else _NOTHING,
            "memory": number_format.memory(summary.memory.total) if summary.memory else _NOTHING,
            "disk": number_format.memory(disk) if disk else _NOTHING,
        }
        for key, text in shown.items():
            self.values[key].setText(text)
        many = epochs is not None and epochs > _MANY_EPOCHS
        self._say(
            f"The run takes {number_format.count(round(epochs))} epochs and may overfit; "
            "use more text, fewer steps or a smaller model."
            if many and epochs is not None
            else "",
            "warn",
        )

    def show_copied(self, what: str) -> None:
        """Confirms that the settings were copied."""
        self.copied.setText(f"{what} copied")

    def show_measurable(self, measurable: bool) -> None:
        """Shows whether the time can be measured."""
        self.measure.setVisible(measurable or self._measuring)

    def show_measuring(self) -> None:
        """Shows that the measurement runs."""
        self._measuring = True
        self.values["time"].setText("…")
        self.measure.setText("Stop measuring")
        self.measure.setAccessibleName("Stop measuring the time it takes here")
        self.measure.show()

    def show_time(self, told: DryRun | None) -> None:
        """Shows the measured time; ``None`` for no valid measurement."""
        self._measuring = False
        self.measure.setText("Measure")
        self.measure.setAccessibleName("Measure the time it takes here")
        self.values["time"].setText(f"about {number_format.span(told.seconds)}" if told else _NOTHING)
        self.values["device"].setText(f"{told.device.upper()}, {told.precision}" if told else _NOTHING)

    def show_failure(self, sentence: str) -> None:
        """Shows why the measurement failed."""
        self.show_time(None)
        self._say(sentence, "bad")

    def _say(self, text: str, kind: str) -> None:
        self.note.setText(text)
        self.note.setVisible(bool(text))
        set_kind(self.note, kind)

    def _on_measure(self) -> None:
        (self.measure_cancelled if self._measuring else self.measure_wanted).emit()
