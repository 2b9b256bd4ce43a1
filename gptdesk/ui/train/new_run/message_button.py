"""Message beside the buttons of the New run sheet, in several lines if needed, which can be clicked."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QPaintEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import QPushButton, QSizePolicy, QStyle, QStyleOptionButton, QStylePainter, QWidget

from gptdesk.ui.widgets.style_state import set_kind
from gptdesk.ui.widgets.tooltips import wrapped

_PADDING: Final = 8
_LEAST: Final = 32
_MOST_LINES: Final = 6
"""Lines that are shown; the tooltip has the whole text."""

_WRAP: Final = Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class MessageButton(QPushButton):
    """The message."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "message")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def say(self, text: str, kind: str) -> None:
        """Shows a sentence as a "message" or a "failure"."""
        self.setText(text)
        self.setToolTip(wrapped(text))
        self.setAccessibleName(text)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus if text else Qt.FocusPolicy.NoFocus)
        set_kind(self, kind)
        self._fit()

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), self.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Height of the text at this width."""
        metrics = self.fontMetrics()
        room = QRect(0, 0, max(1, self.width() - 2 * _PADDING), 10_000)
        height = metrics.boundingRect(room, int(_WRAP), self.text()).height() if self.text() else 0
        height = max(_LEAST, min(height, _MOST_LINES * metrics.lineSpacing()) + _PADDING)
        if height != self.minimumHeight() or height != self.maximumHeight():
            self.setFixedHeight(height)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QStylePainter(self)
        option = QStyleOptionButton()
        self.initStyleOption(option)
        painter.drawControl(QStyle.ControlElement.CE_PushButtonBevel, option)
        room = self.rect().adjusted(_PADDING, 0, -_PADDING, 0)
        painter.drawItemText(room, int(_WRAP), self.palette(), True, self.text(), QPalette.ColorRole.ButtonText)
        painter.end()
