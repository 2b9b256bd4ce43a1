"""Popups with round corners and a soft shadow: menus, and the lists of combo boxes."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QObject, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QPalette, QRegion, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QApplication, QMenu, QStyle, QStyleOptionMenuItem, QStylePainter, QWidget

from gptdesk.ui.widgets.compositing import can_be_transparent

RADIUS: Final = 8
"""Radius of the corners, in pixels."""

SHADOW: Final = 12
"""Width of the shadow around a popup, in pixels."""

_SINK: Final = 3
"""Downward offset of the shadow, in pixels."""

_DARKEST: Final = 26
"""Alpha of the shadow at the edge of the popup, 0 to 255."""


class Menu(QMenu):
    """A menu with round corners; with a shadow where windows can be transparent. Its submenus are such menus, too."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        remove_frame(self)
        self._margin = 0
        self.aboutToShow.connect(self._add_shadow)

    def _add_shadow(self) -> None:
        """Before the menu is shown: whether it can have one takes loading a library on X11."""
        self._margin = add_shadow(self)
        self.setContentsMargins(self._margin, self._margin, self._margin, self._margin)

    def addMenu(self, title: str) -> Menu:  # type: ignore[override]
        menu = Menu(self)
        menu.setTitle(title)
        self.addAction(menu.menuAction())
        return menu

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        clip(self, self._margin)

    def showEvent(self, event: QShowEvent) -> None:
        """Moves the menu so that its panel, not its shadow, is at the requested position."""
        super().showEvent(event)
        if self._margin:
            self.move(self.x() - self._margin, self.y() - self._margin + 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QStylePainter(self)
        paint_panel(painter, self, self._margin)
        for action in self.actions():
            option = QStyleOptionMenuItem()
            self.initStyleOption(option, action)
            option.rect = self.actionGeometry(action)
            if option.rect.intersects(event.rect()):
                painter.drawControl(QStyle.ControlElement.CE_MenuItem, option)
        painter.end()


class PanelPainter(QObject):
    """Paints the panel and the shadow of a popup that Qt makes, such as the list of a combo box."""

    def __init__(self, popup: QWidget) -> None:
        super().__init__(popup)
        self._popup = popup
        remove_frame(popup)
        self._margin = add_shadow(popup)
        popup.setContentsMargins(self._margin, self._margin, self._margin, self._margin)
        popup.installEventFilter(self)

    @property
    def margin(self) -> int:
        """Pixels around the panel that belong to its shadow."""
        return self._margin

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            clip(self._popup, self._margin)
        if event.type() != QEvent.Type.Paint:
            return False
        painter = QPainter(self._popup)
        paint_panel(painter, self._popup, self._margin)
        painter.end()
        return True


def remove_frame(popup: QWidget) -> None:
    """Switches off the system's frame and shadow of ``popup``."""
    flags = Qt.WindowType.FramelessWindowHint | Qt.WindowType.NoDropShadowWindowHint
    popup.setWindowFlags(popup.windowFlags() | flags)


def add_shadow(popup: QWidget) -> int:
    """Makes ``popup`` transparent around its panel and returns the width of its shadow, in pixels; 0 without one."""
    transparent = can_be_transparent()
    popup.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground, transparent)
    return SHADOW if transparent else 0


def clip(popup: QWidget, margin: int) -> None:
    """Masks the corners if they cannot be transparent."""
    if not margin:
        path = QPainterPath()
        path.addRoundedRect(QRectF(popup.rect()), RADIUS, RADIUS)
        popup.setMask(QRegion(path.toFillPolygon().toPolygon()))


def paint_panel_of(widget: QWidget) -> None:
    """Paints the panel and the shadow of a widget that floats inside the window; called from its paint event."""
    painter = QPainter(widget)
    paint_panel(painter, widget, SHADOW)
    painter.end()


def paint_panel(painter: QPainter, popup: QWidget, margin: int) -> None:
    """Paints the shadow, the panel and its border."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    panel = QRectF(popup.rect()).adjusted(margin, margin, -margin, -margin)
    painter.setPen(Qt.PenStyle.NoPen)
    for step in range(margin):
        grown = margin - step - _SINK
        painter.setBrush(QColor(0, 0, 0, round(_DARKEST * ((step + 1) / margin) ** 2 / 2)))
        around = panel.adjusted(-grown, -grown + _SINK, grown, grown + _SINK)
        painter.drawRoundedRect(around, RADIUS + max(grown, 0), RADIUS + max(grown, 0))
    palette = QApplication.palette()
    painter.setBrush(palette.color(QPalette.ColorRole.Base))
    painter.setPen(palette.color(QPalette.ColorRole.Mid))
    painter.drawRoundedRect(panel.adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
