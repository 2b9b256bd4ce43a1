"""A scroll bar that keeps its place, unseen, while there is nothing to scroll, so that nothing beside it jumps."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QAbstractScrollArea, QScrollBar


class QuietScrollBar(QScrollBar):
    """For the right side of a scroll area."""

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.maximum() > self.minimum():
            super().paintEvent(event)


def make_quiet(area: QAbstractScrollArea) -> None:
    """Gives the area such a bar."""
    area.setVerticalScrollBar(QuietScrollBar(Qt.Orientation.Vertical))
    area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
