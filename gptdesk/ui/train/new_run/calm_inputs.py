"""Inputs that are not changed when the page is scrolled past them."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QSlider, QWidget

from gptdesk.ui.widgets.inputs.boxes import ListBox


class CalmListBox(ListBox):
    """A list box."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class CalmSlider(QSlider):
    """A horizontal slider.

    Args:
        steps: number of positions.
    """

    def __init__(self, steps: int, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setRange(0, steps - 1)
        self.setPageStep(1)

    def show_position(self, position: int) -> None:
        """Moves the slider without emitting that it was moved."""
        self.blockSignals(True)
        self.setValue(position)
        self.blockSignals(False)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()
