"""Controls that open a list or a menu: combo box, button with a chevron, icon button."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import (
    QComboBox,
    QMenu,
    QPushButton,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionButton,
    QStylePainter,
    QWidget,
)

from gptdesk.ui.icons import paint_icon
from gptdesk.ui.stylesheet import control_height
from gptdesk.ui.widgets.own_keys import OwnKeys
from gptdesk.ui.widgets.popup import PanelPainter

_CHEVRON: Final = 14
_PADDING: Final = 10
_GAP: Final = 6
_SLACK: Final = 2  # letters are measured in fractions of a pixel


class ListBox(QComboBox):
    """A combo box in the look of the window."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.setMaxVisibleItems(16)
        self.setItemDelegate(QStyledItemDelegate(self))  # the one that heeds the style sheet
        self._panel: PanelPainter | None = None
        OwnKeys(self)  # they open the list

    def showPopup(self) -> None:
        if self._panel is None:
            self._panel = PanelPainter(self.view().window())
        super().showPopup()
        if margin := self._panel.margin:
            popup = self.view().window()
            popup.setGeometry(popup.geometry().adjusted(-margin, 2 - margin, margin, 2 - margin))

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        _draw_chevron(self)


class MenuButton(QPushButton):
    """A button that opens a menu and shows what was chosen there, shortened to fit."""

    def __init__(self, kind: str, menu: QMenu, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", kind)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setMenu(menu)

    def sizeHint(self) -> QSize:
        self.ensurePolished()  # the style sheet decides the font
        text = self.fontMetrics().horizontalAdvance(self.text())
        return QSize(text + 2 * _PADDING + _CHEVRON + _GAP + _SLACK, control_height())

    def minimumSizeHint(self) -> QSize:
        return QSize(min(96, self.sizeHint().width()), control_height())

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


class IconMenuButton(QPushButton):
    """An icon that opens a menu, whose right edges are aligned."""

    def __init__(self, name: str, menu: QMenu, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._menu = menu
        self.setProperty("icon_only", "true")
        self.setAccessibleName(name)
        self.setToolTip(name)
        self.clicked.connect(self._open)

    def _open(self) -> None:
        margin = self._menu.contentsMargins().right()
        left = self.width() - self._menu.sizeHint().width() + 2 * margin
        self._menu.popup(self.mapToGlobal(QPoint(left, self.height())))


def _draw_chevron(widget: QWidget) -> None:
    painter = QPainter(widget)
    colour = widget.palette().color(QPalette.ColorRole.PlaceholderText).name()
    top = (widget.height() - _CHEVRON) / 2
    paint_icon(painter, "chevron-down", colour, QRectF(widget.width() - _CHEVRON - _PADDING, top, _CHEVRON, _CHEVRON))
    painter.end()
