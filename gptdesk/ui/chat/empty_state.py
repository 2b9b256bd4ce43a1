"""Shown in an empty chat: what to expect of the model, and a few messages to begin with."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from gptdesk.ui.fonts import prose_font, scaled
from gptdesk.ui.widgets.layout.centred import centre

OPENINGS: Final = ("Hello! Who are you?", "Tell me a story about a fox.", "What did you do today?")
_WIDEST: Final = 560
_SIZE: Final = 15


class EmptyState(QWidget):
    """A headline, what to expect, and opening lines.

    Signals:
        chosen(str): emitted with the opening line that was clicked; empty where the model shall begin.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("zone", "surface")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.headline, self.expectation = QLabel(), QLabel()
        self.headline.setProperty("kind", "headline")
        self.expectation.setProperty("kind", "muted")
        for label in (self.headline, self.expectation):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
        column = QWidget()
        column.setMaximumWidth(scaled(_WIDEST))
        rows = QVBoxLayout(column)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(8)
        rows.addWidget(self.headline)
        rows.addWidget(self.expectation)
        rows.addSpacing(16)
        self.buttons = [self._button(line, line) for line in OPENINGS]
        self.buttons.append(self._button("Let the model begin", ""))
        for button in self.buttons:
            rows.addWidget(button)
        centre(column, self, side=24, above=16)

    def show_model(self, name: str, expectation: str) -> None:
        """Says with which model one talks, and what to expect of it."""
        self.headline.setText(f"Chat with {name}" if name else "Chat")
        self.expectation.setText(expectation)

    def _button(self, title: str, line: str) -> QPushButton:
        button = QPushButton(title)
        button.setProperty("kind", "example")
        button.setFont(prose_font(scaled(_SIZE)))
        button.setAccessibleName(f"Begin with: {title}" if line else title)
        button.clicked.connect(lambda: self.chosen.emit(line))
        return button
