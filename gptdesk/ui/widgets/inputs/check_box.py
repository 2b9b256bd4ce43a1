"""A check box in the look of the window."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QCheckBox

from gptdesk.ui.icons import paint_icon

_CHECK: Final = 18
"""Side of the box, in pixels."""


class CheckBox(QCheckBox):
    """A check box in the look of the window."""

    def sizeHint(self) -> QSize:
        return QSize(_CHECK + 2, 32)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette = self.palette()
        frame = QRectF(0.5, (self.height() - _CHECK) / 2, _CHECK, _CHECK)
        accent = palette.color(QPalette.ColorRole.Accent)
        line = accent if self.isChecked() or self.hasFocus() else palette.color(QPalette.ColorRole.PlaceholderText)
        painter.setPen(QPen(line, 1))
        painter.setBrush(accent if self.isChecked() else QColor(Qt.GlobalColor.transparent))
        painter.drawRoundedRect(frame, 4, 4)
        if self.isChecked():
            on_accent = palette.color(QPalette.ColorRole.HighlightedText).name()
            paint_icon(painter, "check", on_accent, frame.adjusted(2, 2, -2, -2))
            if self.hasFocus():
                painter.setPen(QPen(palette.color(QPalette.ColorRole.WindowText), 2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRoundedRect(frame, 4, 4)
        painter.end()
