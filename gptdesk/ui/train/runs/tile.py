"""A tile: one figure with its name above it, and an explanation on hover."""

from __future__ import annotations

import re
from typing import Final

from PySide6.QtCore import QSize
from PySide6.QtGui import QFont, QFontMetrics
from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy, QVBoxLayout, QWidget

from gptdesk.ui.fonts import scaled, smaller
from gptdesk.ui.widgets.style_state import set_property
from gptdesk.ui.widgets.tooltips import wrapped

NOTHING: Final = "–"
"""Figure of a value that is not known."""

DIGIT: Final = re.compile(r"\d")
"""Digits are as wide as 0, so that a tile keeps its width while its figure counts."""

_LEFT: Final = 12
_RIGHT: Final = 8
_SLACK: Final = 6

_SIZES: Final = {"": 20, "some": 16, "much": 13}
"""Pixels of the figures at the usual font, by density; the style sheet has the same numbers."""


class Tile(QFrame):
    """One figure with its name above it."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "card")
        self.name, self.figure = QLabel(name), _Figure(NOTHING)
        self.name.setProperty("kind", "muted")
        self.name.setFont(smaller(self.font()))
        self.figure.setProperty("kind", "figure")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(_LEFT, 8, _RIGHT, 8)
        layout.setSpacing(2)
        layout.addWidget(self.name)
        layout.addWidget(self.figure)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def show_figure(self, text: str, help: str, name: str = "") -> None:
        """Shows the figure, and its explanation on hover."""
        if name:
            self.name.setText(name)
        if text != self.figure.text():
            self.figure.setText(text)
        if self.accessibleDescription() != help:
            self.setToolTip(wrapped(help))
            self.setAccessibleDescription(help)
        self.setAccessibleName(f"{self.name.text()} {text}")

    def wanted_width(self, tight: str) -> int:
        """Width of name and figure; the same for figures of as many digits."""
        figure = self.figure.metrics(tight).horizontalAdvance(DIGIT.sub("0", self.figure.text()))
        return max(figure, self.name.sizeHint().width()) + _LEFT + _RIGHT + _SLACK


class _Figure(QLabel):
    """A figure that keeps its full height when its font is smaller."""

    def metrics(self, tight: str) -> QFontMetrics:
        """Font metrics at that density."""
        font = QFont(self.font())
        font.setPixelSize(scaled(_SIZES[tight]))
        font.setWeight(QFont.Weight.DemiBold)
        return QFontMetrics(font)

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), self.metrics("").height())

    def minimumSizeHint(self) -> QSize:
        return QSize(40, self.sizeHint().height())

    def set_tight(self, tight: str) -> None:
        """Sets the density."""
        set_property(self, "tight", tight)
