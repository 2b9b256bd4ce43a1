"""A box that opens a list, and a button that opens a menu: both with the same chevron, drawn in the theme's colours."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QComboBox, QMenu, QPushButton, QStyle, QStyleOptionButton, QStylePainter, QWidget

from gptdesk.ui.icons import paint_icon
from gptdesk.ui.stylesheet import CONTROL_HEIGHT

_CHEVRON: Final = 14
_PADDING: Final = 10
_GAP: Final = 6


class ListBox(QComboBox):
    """A combo box in the look of the window."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.setMaxVisibleItems(16)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        _draw_chevron(self)


class MenuButton(QPushButton):
    """A button that opens a menu and says what was chosen there, shortened to the room there is."""

    def __init__(self, kind: str, menu: QMenu, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", kind)
        self.setMenu(menu)

    def sizeHint(self) -> QSize:
        self.ensurePolished()  # the style sheet decides the font
        text = self.fontMetrics().horizontalAdvance(self.text())
        return QSize(text + 2 * _PADDING + _CHEVRON + _GAP, CONTROL_HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(min(96, self.sizeHint().width()), CONTROL_HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QStylePainter(self)
        option = QStyleOptionButton()
        self.initStyleOption(option)
        painter.drawControl(QStyle.ControlElement.CE_PushButtonBevel, option)
        room = self.rect().adjusted(_PADDING, 0, -_PADDING - _CHEVRON - _GAP, 0)
        text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, room.width())
        align = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawItemText(room, align, self.palette(), self.isEnabled(), text, QPalette.ColorRole.ButtonText)
        painter.end()
        _draw_chevron(self)


def _draw_chevron(widget: QWidget) -> None:
    painter = QPainter(widget)
    colour = widget.palette().color(QPalette.ColorRole.PlaceholderText).name()
    top = (widget.height() - _CHEVRON) / 2
    paint_icon(painter, "chevron-down", colour, QRectF(widget.width() - _CHEVRON - _PADDING, top, _CHEVRON, _CHEVRON))
    painter.end()
