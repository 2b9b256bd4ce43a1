"""Card of a preparation: progress, pause, resume, cancel."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from gptdesk.training.data.preparations import PreparationState
from gptdesk.ui.theme import Theme
from gptdesk.ui.train.data_labels import CAN_GO_ON, describe
from gptdesk.ui.widgets.style_state import set_kind


class PreparationCard(QFrame):
    """One preparation.

    Args:
        folder: of the preparation.

    Signals:
        pause_wanted(object), resume_wanted(object), cancel_wanted(object): its folder.
    """

    pause_wanted = Signal(object)
    resume_wanted = Signal(object)
    cancel_wanted = Signal(object)

    def __init__(self, theme: Theme, folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.folder = folder
        self.state = PreparationState(state="planning")
        self._theme = theme
        self.setProperty("kind", "card")
        self.setAccessibleName(f"Preparing {folder.name}")
        name = QLabel(folder.name)
        name.setTextFormat(Qt.TextFormat.PlainText)
        name.setProperty("kind", "title")
        self.words = QLabel()
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setWordWrap(True)
        self.words.setProperty("kind", "muted")
        self.bar = QProgressBar()
        self.bar.setProperty("kind", "job")
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 0)
        self.bar.setAccessibleName(f"Progress of {folder.name}")
        self.pause, self.cancel = QPushButton("Pause"), QPushButton("Cancel")
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(name, 1)
        head.addWidget(self.pause)
        head.addWidget(self.cancel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 12, 16)
        layout.setSpacing(8)
        layout.addLayout(head)
        layout.addWidget(self.bar)
        layout.addWidget(self.words)
        self.pause.clicked.connect(self._on_pause)
        self.cancel.clicked.connect(self._on_cancel)
        self.show_state(self.state)

    def show_state(self, state: PreparationState) -> None:
        """Shows the progress."""
        self.state = state
        busy = state.state == "planning"
        self.bar.setRange(0, 0 if busy else 1000)
        if not busy:
            self.bar.setValue(round(1000 * state.share))
        self.bar.setVisible(state.state != "failed")
        self.words.setText(describe(state))
        set_kind(self.words, "bad" if state.state == "failed" else "muted")
        go_on = state.state in CAN_GO_ON
        self.pause.setText(("Try again" if state.state == "failed" else "Resume") if go_on else "Pause")
        self.pause.setEnabled(go_on or state.active)
        self.cancel.setText("Dismiss" if state.state == "failed" else "Cancel")
        self.cancel.setEnabled(True)

    def show_problem(self, text: str) -> None:
        """Shows why a request failed."""
        self.words.setText(text)
        self.pause.setEnabled(True)
        self.cancel.setEnabled(True)

    def _on_pause(self) -> None:
        self.pause.setEnabled(False)
        (self.resume_wanted if self.state.state in CAN_GO_ON else self.pause_wanted).emit(self.folder)

    def _on_cancel(self) -> None:
        self.pause.setEnabled(False)
        self.cancel.setEnabled(False)
        self.words.setText("Removing files" if self.state.state == "failed" else "Stopping and removing files")
        self.cancel_wanted.emit(self.folder)
