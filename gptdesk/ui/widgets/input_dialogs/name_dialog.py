"""A dialog that asks for a name and checks it while it is typed."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLabel, QLineEdit, QWidget

from gptdesk.errors import UserError
from gptdesk.ui.widgets.input_dialogs.input_dialog import InputDialog


class NameDialog(InputDialog):
    """Asks for one line.

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
        super().__init__(title, title, parent, width=400)
        self._check = check
        self._waiting = False
        self.line = QLineEdit(name)
        self.line.selectAll()
        self.line.setAccessibleName("Name")
        label = QLabel("Name")
        label.setBuddy(self.line)
        self.add(label, self.line)
        self.line.textChanged.connect(self._judge)
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

    def decide(self) -> None:
        """Emits the name, and closes unless a slot asked to wait."""
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
