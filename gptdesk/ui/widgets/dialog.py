"""Base of dialogs: as high as their text needs in any font, and no larger than the window where that can be."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QDialog, QWidget

from gptdesk.ui.fonts import scaled

MARGIN: Final = 24
"""Pixels between the edge of a dialog and its content."""


class Dialog(QDialog):
    """Deletes itself when closed, and grows with wrapped text, which Qt would cut off.

    Args:
        title: of the window.
        width: least width, in pixels at a font of 13 pixels; in a small window it may be less.
    """

    def __init__(self, title: str, parent: QWidget | None = None, *, width: int = 440) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(min(scaled(width), self.room.width()))

    @property
    def room(self) -> QSize:
        """The largest size that leaves the edges of the window behind the dialog free."""
        parent = self.parentWidget()
        if parent is None or not parent.window().isVisible():
            return self.maximumSize()
        return parent.window().size() - QSize(2 * MARGIN, 2 * MARGIN)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.resize(self.size().boundedTo(self.room))
        self._grow()

    def event(self, event: QEvent) -> bool:
        done = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest and self.isVisible():
            self._grow()
        return done

    def _grow(self) -> None:
        layout = self.layout()
        if layout is not None and layout.hasHeightForWidth():
            least = layout.totalMinimumHeightForWidth(self.width())
            needed = min(layout.totalHeightForWidth(self.width()), max(self.room.height(), least))
            if needed > self.height():
                self.resize(self.width(), needed)
