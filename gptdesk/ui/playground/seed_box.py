"""The seed: a number that makes a text come out the same again, or none."""

from __future__ import annotations

import secrets
from typing import Final

from PySide6.QtCore import QRegularExpression, Signal
from PySide6.QtGui import QAction, QRegularExpressionValidator
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QWidget

from gptdesk.gpt2.decoding import LIMITS
from gptdesk.ui.theme import Theme

_SHORT: Final = 1_000_000
"""Seeds that the dice throws are below this: easy to say to somebody."""

_HELP = "The same seed, model and settings give the same text. Empty: another one each time."


class SeedBox(QWidget):
    """A line for the seed, and a dice.

    Signals:
        changed(): the person gave another seed.
    """

    changed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.line = QLineEdit()
        self.line.setPlaceholderText("random")
        self.line.setAccessibleName("Seed")
        self.line.setAccessibleDescription(_HELP)
        self.line.setToolTip(_HELP)
        self.line.setValidator(QRegularExpressionValidator(QRegularExpression(r"\d{0,19}"), self))
        self.dice = QPushButton()
        self.dice.setProperty("icon_only", "true")
        self.dice.setAccessibleName("Throw a seed")
        self.dice.setToolTip("Throw a seed")
        theme.set_icon(self.dice, "dice", "text")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.line, 1)
        layout.addWidget(self.dice)
        self.clear = QAction("Random again", self)
        self.clear.triggered.connect(self._clear)
        self.line.addAction(self.clear, QLineEdit.ActionPosition.TrailingPosition)
        self._theme = theme
        theme.changed.connect(self._show_icon)
        self._show_icon()
        self.line.textChanged.connect(lambda text: self.clear.setVisible(bool(text)))
        self.clear.setVisible(False)
        self.line.editingFinished.connect(self.changed)
        self.dice.clicked.connect(self._throw)

    @property
    def value(self) -> int | None:
        text = self.line.text()
        return min(int(text), int(LIMITS["seed"].highest)) if text else None

    def set_value(self, seed: int | None) -> None:
        """Shows ``seed`` without saying that it changed."""
        self.line.setText("" if seed is None else str(seed))

    def _show_icon(self) -> None:
        self.clear.setIcon(self._theme.icon("close", "muted"))

    def _clear(self) -> None:
        self.set_value(None)
        self.changed.emit()

    def _throw(self) -> None:
        self.set_value(secrets.randbelow(_SHORT))
        self.changed.emit()
