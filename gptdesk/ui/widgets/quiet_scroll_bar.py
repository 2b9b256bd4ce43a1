"""A scroll bar that keeps its space while there is nothing to scroll, so that the contents do not jump."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QAbstractScrollArea, QScrollBar


class QuietScrollBar(QScrollBar):
    """A vertical scroll bar that paints nothing while there is nothing to scroll."""

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.maximum() > self.minimum():
            super().paintEvent(event)


def make_quiet(area: QAbstractScrollArea) -> None:
    """Gives the area a quiet scroll bar."""
    area.setVerticalScrollBar(QuietScrollBar(Qt.Orientation.Vertical))
    area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
