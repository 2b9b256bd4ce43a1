"""Top bar and status bar of a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QWidget

from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.elided_label import ElidedLabel
from gptdesk.ui.widgets.inputs.boxes import IconMenuButton
from gptdesk.ui.widgets.status_dot import StatusDot

TOP_HEIGHT: Final = 52
STATUS_HEIGHT: Final = 32
"""Heights of the bars of every page, in pixels."""

_MARGIN: Final = 16
_SPACING: Final = 8


class PageBar(QWidget):
    """A page's top bar.

    Args:
        title: of the page, on the left.
        menu: main menu, on the right.
        buttons: beside the menu.
        middle: widget in the middle, such as the name of what is shown.

    Attributes:
        menu: button that opens the menu.
    """

    def __init__(
        self,
        theme: Theme,
        title: str,
        menu: QMenu,
        buttons: Sequence[QWidget] = (),
        middle: QWidget | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        set_up_bar(self, TOP_HEIGHT)
        heading = QLabel(title)
        heading.setProperty("kind", "heading")
        self.menu = IconMenuButton("Menu", menu)
        theme.set_icon(self.menu, "menu")
        right = QHBoxLayout()
        right.setSpacing(_SPACING)
        right.addStretch(1)
        for button in (*buttons, self.menu):
            right.addWidget(button)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(_MARGIN, 0, _MARGIN, 0)
        layout.setSpacing(_SPACING)
        layout.addWidget(heading, 1)
        if middle is not None:
            layout.addWidget(middle, 2)
        layout.addLayout(right, 1)


class PageStatus(QWidget):
    """A page's status bar: state with a dot, details, figures on the right.

    Args:
        names: accessible names of state, details and figures.

    Attributes:
        dot: in the colour of the state.
        state: one or two words.
        detail: shortened to fit.
        right: figures.
    """

    def __init__(self, theme: Theme, names: tuple[str, str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_up_bar(self, STATUS_HEIGHT)
        self.dot = StatusDot(theme)
        self.state, self.detail, self.right = QLabel(), ElidedLabel(), QLabel()
        for label, name in zip((self.state, self.detail, self.right), names, strict=True):
            label.setAccessibleName(name)
        self.detail.setProperty("kind", "muted")
        self.right.setProperty("kind", "muted")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(_MARGIN, 0, _MARGIN, 0)
        layout.setSpacing(_SPACING)
        layout.addWidget(self.dot)
        layout.addWidget(self.state)
        layout.addWidget(self.detail, 1)
        layout.addWidget(self.right)


def set_up_bar(bar: QWidget, height: int) -> None:
    """Gives a bar its background and height."""
    bar.setProperty("zone", "surface")
    bar.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    bar.setFixedHeight(height)
