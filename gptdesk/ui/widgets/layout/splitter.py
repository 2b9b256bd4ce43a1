"""A horizontal splitter with visible handles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QColor, QEnterEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSplitter, QSplitterHandle, QWidget

from gptdesk.ui.stylesheet import mix
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.tooltips import wrapped

_GRAB: Final = 5
"""Width of a handle in pixels; the line in it has one, or three under the pointer."""

_GRIP: Final = 32


class Splitter(QSplitter):
    """A row of widgets with handles between them.

    Signals:
        reset(): emitted when a handle was double-clicked to restore the usual widths.
    """

    reset = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        self._theme = theme
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setHandleWidth(_GRAB)

    def createHandle(self) -> QSplitterHandle:
        return _Handle(self._theme, self, self.reset.emit)


class _Handle(QSplitterHandle):
    def __init__(self, theme: Theme, splitter: Splitter, reset: Callable[[], None]) -> None:
        super().__init__(Qt.Orientation.Horizontal, splitter)
        self._theme, self._reset, self._over = theme, reset, False
        self.setToolTip(wrapped("Drag to resize; double-click to reset the widths"))
        theme.changed.connect(self.update)

    def enterEvent(self, event: QEnterEvent) -> None:
        self._over = True
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._over = False
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._reset()

    def paintEvent(self, _event: QPaintEvent) -> None:
        colours, middle, height = self._theme.colours, self.width() // 2, self.height()
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(colours.surface))
        if self._over:
            painter.fillRect(middle - 1, 0, 3, height, QColor(colours.accent))
        else:
            painter.fillRect(middle, 0, 1, height, QColor(colours.hairline))
            painter.fillRect(
                middle - 1, (height - _GRIP) // 2, 3, _GRIP, QColor(mix(colours.muted, colours.surface, 0.5))
            )
        painter.end()
