"""The line below a page: a state with its dot, what belongs to it, and figures at the right."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.elided_label import ElidedLabel
from gptdesk.ui.widgets.status_dot import StatusDot
from gptdesk.ui.window.status_bar import HEIGHT


class PageStatus(QWidget):
    """The line; a page's own fills it in.

    Args:
        names: what state, detail and figures are called by those who hear them.

    Attributes:
        dot: in the colour of the state.
        state: in words.
        detail: is shortened first.
        right: figures.
    """

    def __init__(self, theme: Theme, names: tuple[str, str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.dot = StatusDot(theme)
        self.state, self.detail, self.right = QLabel(), ElidedLabel(), QLabel()
        for label, name in zip((self.state, self.detail, self.right), names, strict=True):
            label.setAccessibleName(name)
        self.detail.setProperty("kind", "muted")
        self.right.setProperty("kind", "muted")
        self.setProperty("zone", "surface")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(HEIGHT)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 0, 16, 0)
        layout.setSpacing(8)
        layout.addWidget(self.dot)
        layout.addWidget(self.state)
        layout.addWidget(self.detail, 1)
        layout.addWidget(self.right)
