"""Base of dialogs that ask for something: a column of widgets, a problem, and two buttons."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QLayout, QPushButton, QVBoxLayout, QWidget

from gptdesk.ui.widgets.dialog import MARGIN, Dialog
from gptdesk.ui.widgets.input_dialogs.buttons import button_row
from gptdesk.ui.widgets.inputs.number_box import NumberBox
from gptdesk.ui.widgets.problem_label import ProblemLabel


class InputDialog(Dialog):
    """A column of widgets above two buttons.

    Args:
        title: of the window.
        accept: title of the button that accepts; Enter presses it.
        width: least width, in pixels at a font of 13 pixels.
        dismiss: title of the other button.

    Attributes:
        accept_button: calls `decide`.
        dismiss_button: closes the dialog.
        problem: says what cannot be used.
    """

    def __init__(
        self, title: str, accept: str, parent: QWidget | None = None, *, width: int = 440, dismiss: str = "Cancel"
    ) -> None:
        super().__init__(title, parent, width=width)
        self.setModal(True)
        self.accept_button, self.dismiss_button = QPushButton(accept), QPushButton(dismiss)
        self.accept_button.setProperty("kind", "accent")
        self.accept_button.setDefault(True)
        self.dismiss_button.setAutoDefault(False)
        self.accept_button.clicked.connect(self.decide)
        self.dismiss_button.clicked.connect(self.reject)
        self.problem = ProblemLabel()
        self._inputs, self._below = QVBoxLayout(), QVBoxLayout()
        column = QVBoxLayout(self)
        column.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        for part in (column, self._inputs, self._below):
            part.setSpacing(8)
        column.addLayout(self._inputs, 1)
        column.addWidget(self.problem)
        column.addLayout(self._below)
        self._buttons = button_row(self.dismiss_button, self.accept_button)
        column.addLayout(self._buttons)

    def add(self, *parts: QWidget | QLayout, stretch: int = 0) -> None:
        """Adds these above the problem."""
        _add(self._inputs, parts, stretch)
        self._put_buttons_last()

    def add_below(self, *parts: QWidget | QLayout) -> None:
        """Adds these between the problem and the buttons."""
        _add(self._below, parts)
        self._put_buttons_last()

    def _put_buttons_last(self) -> None:
        """The first input has the focus at first, and Tab comes to the buttons in the end.

        A widget that gets a parent comes last. `nextInFocusChain` would tell the order, but PySide makes its result
        a child of the widget that is asked, and the dialog would be collected as garbage while it is open.
        """
        for button in (self.dismiss_button, self.accept_button):
            button.setParent(None)
            self._buttons.addWidget(button)

    def watch(self, box: NumberBox) -> None:
        """Shows in the dialog what a number box refuses."""
        box.refused.connect(self.problem.show_problem)
        box.valueChanged.connect(lambda _: self.problem.show_problem(""))

    @Slot()
    def decide(self) -> None:
        """Takes the input; subclasses emit it and close."""
        self.accept()


def _add(column: QVBoxLayout, parts: tuple[QWidget | QLayout, ...], stretch: int = 0) -> None:
    for part in parts:
        if isinstance(part, QLayout):
            column.addLayout(part, stretch)
        else:
            column.addWidget(part, stretch)
