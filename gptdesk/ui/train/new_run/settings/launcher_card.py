"""Card that chooses how the trainer is started: here, in several processes, or by a command of the user."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QLineEdit, QSizePolicy, QVBoxLayout, QWidget

from gptdesk.training.launch import COMMAND, HERE, TORCHRUN, Launcher
from gptdesk.ui.train.new_run.calm_inputs import CalmListBox
from gptdesk.ui.train.new_run.settings.controls import WIDTH
from gptdesk.ui.widgets.inputs.number_box import NumberBox

_COMMAND_NOTE: Final = (
    "Starts the run elsewhere, over ssh or Slurm; gptdesk watches its folder. {command} stands for the trainer's whole "
    "command line, {arguments} for its arguments, {folder} for the run's folder, {config} for its settings file."
)
_KINDS: Final = {
    HERE: ("This computer", "One process on this computer. It continues when gptdesk is closed."),
    TORCHRUN: ("Several processes", "torchrun starts one process for each GPU, which share every step."),
    COMMAND: ("Own command", _COMMAND_NOTE),
}
_EXAMPLE: Final = "ssh host 'cd ~/gptdesk && {command}'"
_MOST_PROCESSES: Final = 1024


class LauncherCard(QFrame):
    """The card.

    Signals:
        changed(object): the user chose this `Launcher`.
    """

    changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "card")
        self.box = CalmListBox()
        self.box.addItems([title for title, _ in _KINDS.values()])
        self.box.setFixedWidth(WIDTH)
        self.box.setAccessibleName("Where it runs")
        self.processes = NumberBox(1, _MOST_PROCESSES, 0)
        self.processes.setValue(2)
        self.processes.setFixedWidth(WIDTH)
        self.processes.setAccessibleName("Processes")
        self.template = QLineEdit()
        self.template.setPlaceholderText(_EXAMPLE)
        self.template.setAccessibleName("Command that starts the run")
        self.note = QLabel()
        self.note.setProperty("kind", "muted")
        self.problem_label = QLabel()
        self.problem_label.setProperty("kind", "bad")
        self.problem_label.hide()
        for label in (self.note, self.problem_label):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        title = QLabel("Where it runs")
        title.setBuddy(self.box)
        self._processes_label = QLabel("Processes")
        self._processes_label.setBuddy(self.processes)
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(0, 1)
        top = Qt.AlignmentFlag.AlignTop
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(title)
        words.addWidget(self.note)
        grid.addLayout(words, 0, 0)
        grid.addWidget(self.box, 0, 1, top)
        grid.addWidget(self._processes_label, 1, 0)
        grid.addWidget(self.processes, 1, 1)
        grid.addWidget(self.template, 2, 0, 1, 2)
        grid.addWidget(self.problem_label, 3, 0, 1, 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.addLayout(grid)
        self.box.activated.connect(self._on_changed)
        self.processes.valueChanged.connect(self._on_changed)
        self.template.textChanged.connect(self._on_changed)
        self._show()

    @property
    def launcher(self) -> Launcher:
        kind = list(_KINDS)[self.box.currentIndex()]
        return Launcher(
            kind=kind,
            processes=round(self.processes.value()) if kind == TORCHRUN else 1,
            template=self.template.text().strip() if kind == COMMAND else "",
        )

    @property
    def problem(self) -> str:
        """Why the run cannot be started like this; "" if it can."""
        launcher = self.launcher
        if launcher.kind != COMMAND or any(place in launcher.template for place in ("{command}", "{arguments}")):
            return ""
        return f"The command must contain {{command}} or {{arguments}}, as in {_EXAMPLE}."

    def _on_changed(self) -> None:
        self._show()
        self.changed.emit(self.launcher)

    def _show(self) -> None:
        kind = self.launcher.kind
        self.note.setText(_KINDS[kind][1])
        self._processes_label.setVisible(kind == TORCHRUN)
        self.processes.setVisible(kind == TORCHRUN)
        self.template.setVisible(kind == COMMAND)
        self.problem_label.setText(self.problem)
        self.problem_label.setVisible(bool(self.problem))
