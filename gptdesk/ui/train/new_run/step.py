"""Base of the three steps of the New run sheet: title, note and problem."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget


class Step(QWidget):
    """One step.

    Args:
        title: name of the step.
        note: what is chosen in it.

    Attributes:
        column: layout of its parts.
        problem: what is wrong; "" for nothing.
        problem_label: shows the problem; each step places it.
    """

    def __init__(self, title: str, note: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = title
        self.problem = ""
        headline = QLabel(title)
        headline.setProperty("kind", "headline")
        words = QLabel(note)
        words.setProperty("kind", "muted")
        words.setWordWrap(True)
        self.problem_label = QLabel()
        self.problem_label.setTextFormat(Qt.TextFormat.PlainText)
        self.problem_label.setProperty("kind", "bad")
        self.problem_label.setWordWrap(True)
        self.problem_label.hide()
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(8)
        self.column.addWidget(headline)
        self.column.addWidget(words)
        self.column.addSpacing(8)

    def show_problem(self, problem: str) -> None:
        """Shows what is wrong; "" for nothing."""
        self.problem = problem
        self.problem_label.setText(problem)
        self.problem_label.setVisible(bool(problem))
