"""A dialog that asks for a name and checks it while it is typed."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from gptdesk.errors import UserError
from gptdesk.ui.widgets.dialog import Dialog
from gptdesk.ui.widgets.problem_label import ProblemLabel


class NameDialog(Dialog):
    """One line and two buttons.

    Args:
        title: of the dialog and of its button.
        name: shown first.
        check: raises `UserError` for a name that cannot be used.

    Signals:
        named(str): emitted when the person confirms the name. Then the dialog closes, unless a slot called `wait`:
            in that case `accept` closes it, and `refuse` says why the name cannot be used.
    """

    named = Signal(str)

    def __init__(self, title: str, name: str, check: Callable[[str], object], parent: QWidget | None = None) -> None:
        super().__init__(title, parent, width=400)
        self._check = check
        self._waiting = False
        self.line = QLineEdit(name)
        self.line.selectAll()
        self.line.setAccessibleName("Name")
        self.problem = ProblemLabel()
        self.accept_button, cancel = QPushButton(title), QPushButton("Cancel")
        self.accept_button.setProperty("kind", "accent")
        self.accept_button.setDefault(True)
        label = QLabel("Name")
        label.setBuddy(self.line)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addStretch(1)
        buttons.addWidget(cancel)
        buttons.addWidget(self.accept_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 24)
        layout.setSpacing(8)
        for widget in (label, self.line, self.problem):
            layout.addWidget(widget)
        layout.addSpacing(8)
        layout.addLayout(buttons)
        self.line.textChanged.connect(self._judge)
        self.accept_button.clicked.connect(self._decide)
        cancel.clicked.connect(self.reject)
        self._judge()

    def _judge(self) -> None:
        problem = ""
        if self.line.text().strip():
            try:
                self._check(self.line.text().strip())
            except UserError as error:
                problem = str(error)
        self.problem.show_problem(problem)
        self.accept_button.setEnabled(bool(self.line.text().strip()) and not problem)

    def _decide(self) -> None:
        self._waiting = False
        self.named.emit(self.line.text().strip())
        if not self._waiting:
            self.accept()

    def wait(self) -> None:
        """Keeps the dialog open until `accept` or `refuse` is called."""
        self._waiting = True
        self.accept_button.setEnabled(False)

    def refuse(self, sentence: str) -> None:
        """Shows why the name cannot be used; it can be edited again."""
        self._judge()
        self.problem.show_problem(sentence)
        self.line.setFocus()
