"""Seed: a field, a button for a random seed, and the seed of the last generation."""

from __future__ import annotations

import secrets
from typing import Final

from PySide6.QtCore import QRegularExpression, Qt, Signal
from PySide6.QtGui import QAction, QRegularExpressionValidator
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QLineEdit, QPushButton, QWidget

from gptdesk.inference.sampling.settings import LIMITS, SETTINGS
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.help_mark import label_with_help
from gptdesk.ui.widgets.tooltips import wrapped

SHORT_SEEDS: Final = 1_000_000
"""Random seeds are below this: short enough to read out."""

_SEED: Final = SETTINGS["seed"]
_RANDOM: Final = "Random seed"
_KEEP_HELP: Final = "With this seed, the same model and settings generate the same text again"


class SeedBox(QWidget):
    """Shows and changes the seed. An empty field means a random seed each time.

    Signals:
        changed(): emitted when the user changes the seed.
    """

    changed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._used: int | None = None
        self.line = QLineEdit()
        self.line.setPlaceholderText("random")
        self.line.setAccessibleName(_SEED.title)
        self.line.setAccessibleDescription(_SEED.help)
        self.line.setToolTip(wrapped(_SEED.help))
        self.line.setValidator(QRegularExpressionValidator(QRegularExpression(r"\d{0,19}"), self))
        self.dice = QPushButton()
        self.dice.setProperty("icon_only", "true")
        self.dice.setAccessibleName(_RANDOM)
        self.dice.setToolTip(_RANDOM)
        theme.set_icon(self.dice, "dice", "text")
        self.used = QLabel()
        self.used.setProperty("kind", "muted")
        self.used.setAccessibleName("Seed of the last generation")
        self.used.setToolTip(wrapped("Seed of the last generation; select it to copy it"))
        self.used.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.keep = QPushButton("Use this seed")
        self.keep.setProperty("kind", "small")
        self.keep.setToolTip(wrapped(_KEEP_HELP))
        label = QLabel(_SEED.title)
        label.setBuddy(self.line)
        label.setToolTip(wrapped(_SEED.help))
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setHorizontalSpacing(8)
        layout.setVerticalSpacing(4)
        layout.addLayout(label_with_help(label, _SEED.help), 0, 0)
        layout.addWidget(self.line, 0, 1)
        layout.addWidget(self.dice, 0, 2)
        used = QHBoxLayout()
        used.setSpacing(8)
        used.addWidget(self.used, 1)
        used.addWidget(self.keep)
        layout.addLayout(used, 1, 0, 1, 3)
        layout.setColumnStretch(1, 1)
        self.clear = QAction("Clear the seed", self)
        self.clear.triggered.connect(self._clear)
        self.line.addAction(self.clear, QLineEdit.ActionPosition.TrailingPosition)
        self._theme = theme
        theme.changed.connect(self._show_icon)
        self._show_icon()
        self.line.textChanged.connect(lambda text: self.clear.setVisible(bool(text)))
        self.clear.setVisible(False)
        self.line.editingFinished.connect(self.changed)
        self.line.textChanged.connect(self._show_usable)
        self.dice.clicked.connect(self._draw)
        self.keep.clicked.connect(self._keep)
        self.show_used(None)

    @property
    def value(self) -> int | None:
        text = self.line.text()
        return min(int(text), int(LIMITS["seed"].highest)) if text else None

    def set_value(self, seed: int | None) -> None:
        """Shows ``seed`` without a signal."""
        self.line.setText("" if seed is None else str(seed))

    def show_used(self, seed: int | None) -> None:
        """Shows the seed of the last generation; ``None`` for none."""
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

    def _draw(self) -> None:
        self.set_value(secrets.randbelow(SHORT_SEEDS))
        self.changed.emit()
