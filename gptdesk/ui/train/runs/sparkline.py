"""Sparkline: a small curve without axes and numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from gptdesk.ui.theme import Theme

_SIZE: Final = QSize(56, 24)
_MARGIN: Final = 2.0


class Sparkline(QWidget):
    """The loss curve of a run.

    Args:
        theme: colours of the curve.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._values: tuple[float, ...] = ()
        self._role = "muted"
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return _SIZE

    def set_curve(self, values: Sequence[float], role: str) -> None:
        """Shows evenly spaced values in the colour of that role; values that are not finite are left out."""
        finite = tuple(value for value in values if math.isfinite(value))
        if (finite, role) != (self._values, self._role):
            self._values, self._role = finite, role
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if len(self._values) < 2:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QPen(QColor(getattr(self._theme.colours, self._role)), 1.5)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        low, high = min(self._values), max(self._values)
        width, height = self.width() - 2 * _MARGIN, self.height() - 2 * _MARGIN
        step, scale = width / (len(self._values) - 1), height / ((high - low) or 1)
        flat = height / 2 if high == low else 0.0
        painter.drawPolyline(
            QPolygonF(
                [
                    QPointF(_MARGIN + number * step, _MARGIN + flat + (high - value) * scale)
                    for number, value in enumerate(self._values)
                ]
            )
        )
        painter.end()
