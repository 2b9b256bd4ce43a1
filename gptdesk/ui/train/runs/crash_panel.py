"""Panel of a crashed run: likely cause, last output, and a button that resumes it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QGuiApplication, QTextCursor
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from gptdesk.training.diagnosis import Diagnosis
from gptdesk.ui import number_format
from gptdesk.ui.fonts import fixed_font
from gptdesk.ui.icons import SIZE
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.flow_layout import FlowLayout
from gptdesk.ui.widgets.tooltips import wrapped


class CrashPanel(QFrame):
    """Shows the likely cause, what to do, and the last output.

    Signals:
        resume_wanted(): resume the run from its newest complete checkpoint.
        folder_wanted(): open the folder of the run.
    """

    resume_wanted = Signal()
    folder_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._diagnosis: Diagnosis | None = None
        self._folder: Path | None = None
        self.setProperty("kind", "crash")
        self._icon = QLabel()
        self._icon.setFixedSize(SIZE, SIZE)
        self.sentence, self.advice = QLabel(), QLabel()
        self.sentence.setProperty("kind", "heading")
        for label in (self.sentence, self.advice):
            label.setWordWrap(True)
        self.output = QPlainTextEdit()
        self.output.setReadOnly(True)
        self.output.setFont(fixed_font())
        self.output.setAccessibleName("Last output")
        self.output.setTabChangesFocus(True)
        self.output.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.output.setFixedHeight(112)
        self.resume = QPushButton()
        self.resume.setProperty("kind", "accent")
        self.resume.setAccessibleName("Resume training")
        self.resume.clicked.connect(self.resume_wanted)
        self.copy, self.open = QPushButton("Copy report"), QPushButton("Open folder")
        self.copy.setToolTip(wrapped("Copy the cause, the traceback and the last output"))
        self.copy.clicked.connect(self._copy)
        self.open.clicked.connect(self.folder_wanted)
        title = QHBoxLayout()
        title.setSpacing(12)
        title.addWidget(self._icon)
        title.addWidget(self.sentence, 1)
        buttons = FlowLayout(spacing=8)
        for button in (self.resume, self.copy, self.open):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.setSpacing(8)
        layout.addLayout(title)
        layout.addWidget(self.advice)
        layout.addWidget(self.output)
        layout.addLayout(buttons)
        theme.changed.connect(self._show_icon)
        self._show_icon()

    def show_diagnosis(self, folder: Path, diagnosis: Diagnosis, *, restarting: bool) -> None:
        """Shows why the run in that folder crashed.

        Args:
            folder: of the run.
            diagnosis: cause, advice and output.
            restarting: whether a trainer was started that has not reported yet.
        """
        step = diagnosis.step
        words = f"Resume from step {number_format.count(step)}" if step is not None else "Start again"
        self.resume.setText("Resuming…" if restarting else words)
        self.resume.setEnabled(not restarting)
        tip = "Resume from the newest complete checkpoint" if step is not None else "The run has no checkpoint yet"
        self.resume.setToolTip(wrapped(tip))
        if (folder, diagnosis) == (self._folder, self._diagnosis):
            return
        self._folder, self._diagnosis = folder, diagnosis
        self.sentence.setText(diagnosis.sentence)
        self.advice.setText(diagnosis.advice)
        self.output.setPlainText("\n".join(diagnosis.output) or "The trainer printed nothing.")
        self.output.moveCursor(QTextCursor.MoveOperation.End)
        self.output.moveCursor(QTextCursor.MoveOperation.StartOfLine)

    @property
    def report(self) -> str:
        """The report as text, for the clipboard."""
        known = self._diagnosis
        if known is None:
            return ""
        parts = [known.sentence, known.advice, known.traceback, "\n".join(known.output), str(self._folder)]
        return "\n\n".join(part for part in parts if part)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.report)

    def _show_icon(self) -> None:
        self._icon.setPixmap(self._theme.icon("warning", "bad").pixmap(QSize(SIZE, SIZE)))
