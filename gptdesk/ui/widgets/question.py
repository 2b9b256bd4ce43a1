"""A question before an action that cannot be undone; does not block."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from gptdesk.ui.widgets.dialog import MARGIN, Dialog
from gptdesk.ui.widgets.input_dialogs.buttons import button_row

Answer = tuple[str, Callable[[], object]]
"""Title of a button, and its action."""


class Question(Dialog):
    """One or two sentences and a button for each answer; Esc and Cancel only close it.

    Args:
        title: of the dialog, and its first line.
        text: what will happen.
        answers: Enter chooses the last one, unless ``dangerous``; without any, it can only be closed.
        dangerous: whether the last answer deletes something; Enter then cancels.
    """

    def __init__(
        self,
        title: str,
        text: str,
        answers: list[Answer],
        *,
        dangerous: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(title, parent)
        self.setModal(True)
        heading = QLabel(title)
        heading.setProperty("kind", "heading")
        heading.setTextFormat(Qt.TextFormat.PlainText)
        heading.setWordWrap(True)
        self.words = QLabel(text)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setWordWrap(True)
        self.cancel = QPushButton("Cancel" if answers else "Close")
        self.cancel.clicked.connect(self.reject)
        self.buttons = [self._button(*answer) for answer in answers]
        if self.buttons:
            self.buttons[-1].setProperty("kind", "danger" if dangerous else "accent")
        (self.cancel if dangerous or not answers else self.buttons[-1]).setDefault(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        layout.setSpacing(8)
        layout.addWidget(heading)
        layout.addWidget(self.words)
        layout.addLayout(button_row(self.cancel, *self.buttons))

    def _button(self, title: str, act: Callable[[], object]) -> QPushButton:
        button = QPushButton(title)
        button.clicked.connect(lambda: self._decide(act))
        return button

    def _decide(self, act: Callable[[], object]) -> None:
        self.accept()
        act()
