"""A question mark beside the name of a setting: explains it on hover and on a click."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolTip, QWidget

from gptdesk.ui.fonts import scaled
from gptdesk.ui.widgets.tooltips import wrapped

_SIZE = 16


class HelpMark(QLabel):
    """For the mouse alone: the keyboard and screen readers find the same words at the control.

    Args:
        title: of the setting.
        help: what it does, one sentence or two.
    """

    def __init__(self, title: str, help: str, parent: QWidget | None = None) -> None:
        super().__init__("?", parent)
        self.setProperty("kind", "help")
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setFixedSize(scaled(_SIZE), scaled(_SIZE))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(f"About {title}")
        self.setToolTip(wrapped(help))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Shows the explanation at once; Qt hides tooltips when a button is pressed or released, so after that."""
        QToolTip.showText(event.globalPosition().toPoint(), self.toolTip(), self, self.rect(), 60_000)


def label_with_help(label: QLabel, help: str) -> QHBoxLayout:
    """A row of the label and its question mark, at the left."""
    label.setProperty("kind", "label")
    row = QHBoxLayout()
    row.setSpacing(6)
    row.addWidget(label)
    row.addWidget(HelpMark(label.text(), help))
    row.addStretch(1)
    return row
