"""The rail at the left: one button a page."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QToolButton, QVBoxLayout, QWidget

from gptdesk.ui.fonts import scaled, smaller
from gptdesk.ui.icons import SIZE
from gptdesk.ui.theme import Theme

WIDTH: Final = 96


class Rail(QWidget):
    """Shows which page is open.

    Signals:
        chosen(int): the number of the page that the person wants.
    """

    chosen = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._buttons: list[QToolButton] = []  # no QButtonGroup: it takes the unchecked out of the order of the Tab key
        self.setProperty("zone", "surface")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedWidth(scaled(WIDTH))
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(8, 12, 8, 12)
        self._layout.setSpacing(8)
        self._layout.addStretch(1)
        theme.changed.connect(self._show)

    def add_page(self, title: str, icon: str) -> None:
        """Adds a button under those that are there; the first one is chosen."""
        button = QToolButton()
        button.setProperty("kind", "rail")
        button.setText(title)
        button.setAccessibleName(title)
        button.setToolTip(f"{title} (Ctrl+{len(self._buttons) + 1})")
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        button.setIconSize(QSize(SIZE, SIZE))
        button.setFont(smaller(self.font()))
        button.setCheckable(True)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setFixedSize(scaled(WIDTH) - 16, scaled(56))
        button.setProperty("icon_name", icon)
        number = len(self._buttons)
        self._buttons.append(button)
        button.clicked.connect(lambda: self._on_clicked(number))
        self._layout.insertWidget(number, button)
        button.setChecked(number == 0)
        self._show()

    def choose(self, number: int) -> None:
        """Shows that the page of that number is open."""
        for place, button in enumerate(self._buttons):
            button.setChecked(place == number)
        self._show()

    def _on_clicked(self, number: int) -> None:
        self.choose(number)
        self.chosen.emit(number)

    def _show(self) -> None:
        for button in self._buttons:
            role = "accent" if button.isChecked() else "muted"
            self._theme.set_icon(button, button.property("icon_name"), role)
