"""Base of dialogs: as high as their text needs in any font."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QDialog, QWidget

from gptdesk.ui.fonts import scaled

MARGIN: Final = 24
"""Pixels between the edge of a dialog and its content."""


class Dialog(QDialog):
    """Deletes itself when closed, and grows with wrapped text, which Qt would cut off.

    Args:
        title: of the window.
        width: least width, in pixels at a font of 13 pixels.
    """

    def __init__(self, title: str, parent: QWidget | None = None, *, width: int = 440) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(scaled(width))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._grow()

    def event(self, event: QEvent) -> bool:
        done = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest and self.isVisible():
            self._grow()
        return done

    def _grow(self) -> None:
        layout = self.layout()
        if layout is not None and layout.hasHeightForWidth():
            needed = layout.totalHeightForWidth(self.width())
            if needed > self.height():
                self.resize(self.width(), needed)
