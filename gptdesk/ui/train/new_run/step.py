"""What the three steps of the sheet have in common: a headline, what it is about, and a problem."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget


class Step(QWidget):
    """One step.

    Args:
        title: its name.
        note: what is decided in it.

    Attributes:
        column: where its parts go.
        problem: why it cannot be left as it is; empty when it can.
        problem_label: shows that; a step puts it where it belongs.
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
        """Says why it cannot be left as it is, or nothing."""
        self.problem = problem
        self.problem_label.setText(problem)
        self.problem_label.setVisible(bool(problem))
