"""A dot in the colour of a state; text beside it names the state."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from gptdesk.ui.theme import Theme

_SIZE = 10


class StatusDot(QWidget):
    """Filled, or a ring while work is going on."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedSize(_SIZE, _SIZE)
        self._theme = theme
        self._role, self._ring = "muted", False
        theme.changed.connect(self.update)

    def set_state(self, role: str, *, ring: bool = False) -> None:
        """Shows the colour of a role of the palette, filled or as a ring."""
        if (role, ring) != (self._role, self._ring):
            self._role, self._ring = role, ring
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = QColor(getattr(self._theme.colours, self._role))
        pen = painter.pen()
        pen.setColor(colour)
        pen.setWidthF(2)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush if self._ring else colour)
        painter.drawEllipse(self.rect().adjusted(1, 1, -2, -2))
        painter.end()
