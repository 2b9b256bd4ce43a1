"""A label in a dialog that says why an input cannot be used; the dialog grows with it."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QWidget

from gptdesk.ui.widgets.long_words import wrappable

_LINES: Final = 1
"""Lines kept free, so that a short sentence does not change the layout."""


class ProblemLabel(QLabel):
    """A sentence below an input; empty if there is no problem."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "warn")
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        self.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._make_room()

    def show_problem(self, sentence: str) -> None:
        """Shows the sentence; "" for none."""
        self.setText(wrappable(sentence))
        self.setAccessibleName(sentence)
        self._make_room()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._make_room()

    def _make_room(self) -> None:
        needed = self.heightForWidth(self.width()) if self.text() else 0
        self.setMinimumHeight(max(_LINES * self.fontMetrics().lineSpacing(), needed))
