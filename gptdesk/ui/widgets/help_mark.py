"""A question mark beside the title of a setting; its tooltip explains the setting."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolTip, QWidget

from gptdesk.ui.fonts import scaled
from gptdesk.ui.widgets.tooltips import wrapped

_SIZE = 16


class HelpMark(QLabel):
    """Shows the tooltip on hover and on a click. Keyboards and screen readers find the same text at the control.

    Args:
        title: of the setting.
        help: one or two sentences.
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
        """Shows the tooltip at once: on release, because Qt hides tooltips on a press."""
        QToolTip.showText(event.globalPosition().toPoint(), self.toolTip(), self, self.rect(), 60_000)


def label_with_help(label: QLabel, help: str) -> QHBoxLayout:
    """A row of the label and its help mark, aligned left."""
    label.setProperty("kind", "label")
    row = QHBoxLayout()
    row.setSpacing(6)
    row.addWidget(label)
    row.addWidget(HelpMark(label.text(), help))
    row.addStretch(1)
    return row
