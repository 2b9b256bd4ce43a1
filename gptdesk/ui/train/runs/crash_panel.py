"""Panel of a crashed run: likely cause, last output, and a button that resumes it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication, QTextCursor
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

from gptdesk.training.diagnosis import Diagnosis
from gptdesk.ui import number_format
from gptdesk.ui.fonts import fixed_font, scaled
from gptdesk.ui.icons import SIZE
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.action_button import ActionButton
from gptdesk.ui.widgets.flow_layout import FlowLayout
from gptdesk.ui.window.commands.registry import Commands

_OUTPUT_HEIGHT: Final = 112
"""Height of the output, in pixels at a font of 13 pixels."""


class CrashPanel(QFrame):
    """Shows the likely cause, what to do, and the last output.

    Args:
        commands: with those of `train_commands`.
    """

    def __init__(self, theme: Theme, commands: Commands, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._commands = theme, commands
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
        self.output.setFixedHeight(scaled(_OUTPUT_HEIGHT))
        self.resume = ActionButton(commands.action("run.restart"), "")
        self.resume.setProperty("kind", "accent")
        self.copy = ActionButton(commands.action("run.report"))
        self.open = ActionButton(commands.action("run.folder"))
        for button in (self.resume, self.copy, self.open):
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
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

    def show_diagnosis(self, folder: Path, diagnosis: Diagnosis) -> None:
        """Shows why the run in that folder crashed.

        Args:
            folder: of the run.
            diagnosis: cause, advice and output.
        """
        self._commands.refresh("run.restart", "run.folder", "run.report")
        step, restart = diagnosis.step, self.resume.action
        words = f"Resume from step {number_format.count(step)}" if step is not None else "Start again"
        self.resume.setText(words if restart.isEnabled() else restart.text())
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

    def copy_report(self) -> None:
        """Copies the report."""
        QGuiApplication.clipboard().setText(self.report)

    def _show_icon(self) -> None:
        self._icon.setPixmap(self._theme.icon("warning", "bad").pixmap(QSize(SIZE, SIZE)))
