"""Base of dialogs that ask for something: a column of widgets, a problem, and two buttons."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from gptdesk.ui.widgets.dialog import Dialog
from gptdesk.ui.widgets.inputs.number_box import NumberBox


class InputDialog(Dialog):
    """A column of widgets above two buttons.

    Args:
        accept: title of the button that accepts.

    Attributes:
        problem: says what cannot be used.
    """

    def __init__(self, title: str, accept: str, parent: QWidget | None) -> None:
        super().__init__(title, parent)
        self.setModal(True)
        self.accept_button, cancel = QPushButton(accept), QPushButton("Cancel")
        self.accept_button.setProperty("kind", "accent")
        self.accept_button.setDefault(True)
        self.accept_button.clicked.connect(self.decide)
        cancel.clicked.connect(self.reject)
        self.row = QHBoxLayout()
        self.row.setSpacing(8)
        self.row.addStretch(1)
        self.row.addWidget(cancel)
        self.row.addWidget(self.accept_button)
        self.problem = QLabel()
        self.problem.setTextFormat(Qt.TextFormat.PlainText)
        self.problem.setProperty("kind", "bad")
        self.problem.setWordWrap(True)
        self.problem.hide()
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(24, 24, 24, 24)
        self.column.setSpacing(8)
        self.column.addWidget(self.problem)
        self.column.addSpacing(8)
        self.column.addLayout(self.row)

    def add(self, *widgets: QWidget) -> None:
        """Adds these above the buttons."""
        for widget in widgets:
            self.column.insertWidget(self.column.count() - 3, widget)

    def show_problem(self, sentence: str) -> None:
        """Shows what cannot be used; "" for nothing."""
        self.problem.setText(sentence)
        self.problem.setVisible(bool(sentence))

    def watch(self, box: NumberBox) -> None:
        """Shows in the dialog what a number box refuses."""
        box.refused.connect(self.show_problem)
        box.valueChanged.connect(lambda _: self.show_problem(""))

    def decide(self) -> None:
        """Takes the input; subclasses emit it and close."""
        self.accept()
