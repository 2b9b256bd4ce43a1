"""The seed: a number that makes a text come out the same again, or none."""

from __future__ import annotations

import secrets
from typing import Final

from PySide6.QtCore import QRegularExpression, Qt, Signal
from PySide6.QtGui import QAction, QRegularExpressionValidator
from PySide6.QtWidgets import QGridLayout, QLabel, QLineEdit, QPushButton, QWidget

from gptdesk.inference.sampling.settings import LIMITS
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.tooltips import wrapped

SHORT_SEEDS: Final = 1_000_000
"""Seeds that the dice throws are below this: easy to say to somebody."""

_HELP = "The same seed, model and settings give the same text. Empty: another one each time."


class SeedBox(QWidget):
    """A line for the seed, a dice, and the seed that the last generation had.

    Signals:
        changed(): the person gave another seed.
    """

    changed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._used: int | None = None
        self.line = QLineEdit()
        self.line.setPlaceholderText("random")
        self.line.setAccessibleName("Seed")
        self.line.setAccessibleDescription(_HELP)
        self.line.setToolTip(wrapped(_HELP))
        self.line.setValidator(QRegularExpressionValidator(QRegularExpression(r"\d{0,19}"), self))
        self.dice = QPushButton()
        self.dice.setProperty("icon_only", "true")
        self.dice.setAccessibleName("Throw a seed")
        self.dice.setToolTip("Throw a seed")
        theme.set_icon(self.dice, "dice", "text")
        self.used = QLabel()
        self.used.setProperty("kind", "muted")
        self.used.setAccessibleName("Seed of the last generation")
        self.used.setToolTip("The seed of the last generated part; select it to copy it")
        self.used.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.keep = QPushButton("Use this seed")
        self.keep.setProperty("kind", "small")
        self.keep.setToolTip(wrapped("With this seed, the same model and settings write the last generated part again"))
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setHorizontalSpacing(8)
        layout.setVerticalSpacing(4)
        layout.addWidget(self.line, 0, 0)
        layout.addWidget(self.dice, 0, 1)
        layout.setColumnStretch(0, 1)
        self.clear = QAction("Random again", self)
        self.clear.triggered.connect(self._clear)
        self.line.addAction(self.clear, QLineEdit.ActionPosition.TrailingPosition)
        self._theme = theme
        theme.changed.connect(self._show_icon)
        self._show_icon()
        self.line.textChanged.connect(lambda text: self.clear.setVisible(bool(text)))
        self.clear.setVisible(False)
        self.line.editingFinished.connect(self.changed)
        self.line.textChanged.connect(self._show_usable)
        self.dice.clicked.connect(self._throw)
        self.keep.clicked.connect(self._keep)
        self.show_used(None)

    @property
    def value(self) -> int | None:
        text = self.line.text()
        return min(int(text), int(LIMITS["seed"].highest)) if text else None

    def set_value(self, seed: int | None) -> None:
        """Shows ``seed`` without saying that it changed."""
        self.line.setText("" if seed is None else str(seed))

    def show_used(self, seed: int | None) -> None:
        """Shows which seed the last generation had; ``None`` when there is none."""
        self._used = seed
        self.used.setText(f"Last used: {'none' if seed is None else seed}")
        self._show_usable()

    def _show_usable(self) -> None:
        self.keep.setEnabled(self._used is not None and self._used != self.value)

    def _keep(self) -> None:
        self.set_value(self._used)
        self.changed.emit()

    def _show_icon(self) -> None:
        self.clear.setIcon(self._theme.icon("close", "muted"))

    def _clear(self) -> None:
        self.set_value(None)
        self.changed.emit()

    def _throw(self) -> None:
        self.set_value(secrets.randbelow(SHORT_SEEDS))
        self.changed.emit()
