"""Legend of the token view: the ramp of a measure, and what its ends stand for."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from gptdesk.ui.playground.tokens.measures import Measure
from gptdesk.ui.playground.tokens.token_layer import UNDERLINE, colours_of
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.tooltips import wrapped

_WIDTH: Final = 88
_HEIGHT: Final = 12
"""Of the ramp, in pixels."""


class Legend(QWidget):
    """Shows the ramp of a measure between the values of its ends.

    Attributes:
        generated: shows how generated tokens are told apart.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._low, self._ramp, self._high = QLabel(), _Ramp(theme), QLabel()
        for label in (self._low, self._high):
            label.setProperty("kind", "muted")
        self.generated = _Underlined(theme)
        self._row = layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        for widget in (self._low, self._ramp, self._high):
            layout.addWidget(widget)
        layout.addWidget(self.generated)

    def show_ends(self, shown: bool) -> None:
        """Shows or hides what the ends of the ramp stand for, which the tooltip says, too."""
        self._low.setVisible(shown)
        self._high.setVisible(shown)
        self._measure_again()

    def show_generated(self, shown: bool) -> None:
        """Shows or hides how generated tokens are told apart."""
        self.generated.setVisible(shown)
        self._measure_again()

    def _measure_again(self) -> None:
        """Qt would do so later, and the strip asks at once how wide this is."""
        self._row.invalidate()
        self.updateGeometry()

    def show_measure(self, measure: Measure) -> None:
        """Shows the ramp of this measure."""
        self._low.setText(measure.low)
        self._high.setText(measure.high)
        self._ramp.measure = measure
        self._ramp.update()
        self.setAccessibleName(f"Legend: {measure.title}, {measure.low} to {measure.high}")
        self.setToolTip(wrapped(f"{measure.low} to {measure.high}. {measure.help}"))


class _Underlined(QLabel):
    """The word "generated" with the line under generated tokens."""

    def __init__(self, theme: Theme) -> None:
        super().__init__("generated")
        self._theme = theme
        self.setProperty("kind", "muted")
        theme.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        below = (self.height() + self.fontMetrics().height()) / 2
        painter.fillRect(QRectF(0, below, self.width(), UNDERLINE), QColor(self._theme.colours.accent))
        painter.end()


class _Ramp(QWidget):
    """The colours of a measure side by side."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.measure: Measure | None = None
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(_WIDTH, _HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.measure is None:
            return
        painter = QPainter(self)
        colours = colours_of(self.measure, self._theme)
        width = self.width() / len(colours)
        for step, colour in enumerate(colours):
            painter.fillRect(QRectF(step * width, 0, width + 1, self.height()), QColor(colour))
        painter.setPen(QColor(self._theme.colours.muted))
        painter.drawRect(0, 0, self.width() - 1, self.height() - 1)
        painter.end()
