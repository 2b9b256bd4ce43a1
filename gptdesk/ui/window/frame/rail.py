"""The rail: a button for each page, at the left edge of the window."""

from __future__ import annotations

from functools import partial
from typing import Final

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QEnterEvent, QFocusEvent
from PySide6.QtWidgets import QToolButton, QVBoxLayout, QWidget

from gptdesk.ui.fonts import scaled, smaller
from gptdesk.ui.key_names import key_name
from gptdesk.ui.theme import Theme
from gptdesk.ui.window.commands.registry import Commands
from gptdesk.ui.window.pages import Page, PageRegistry

WIDTH: Final = 96

_ICON: Final = 18
"""Side of an icon, in pixels at a font of 13 pixels."""


class _PageButton(QToolButton):
    """Shows a page.

    Signals:
        approached(): the pointer or the keyboard came to it, and may press it next.
    """

    approached = Signal()

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self.approached.emit()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.approached.emit()


class Rail(QWidget):
    """Buttons that show pages, and which one is shown.

    Signals:
        chosen(str): the id of the page whose button was clicked.
        approached(str): the id of the page whose button may be clicked next.
    """

    chosen = Signal(str)
    approached = Signal(str)

    def __init__(self, theme: Theme, registry: PageRegistry, commands: Commands, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._buttons: dict[str, QToolButton] = {}  # no QButtonGroup: Tab would skip its unchecked buttons
        self.setProperty("zone", "surface")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedWidth(scaled(WIDTH))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 12, 8, 12)
        layout.setSpacing(8)
        for page in registry:
            self._buttons[page.id] = button = self._make_button(page)
            layout.addWidget(button)
        layout.addStretch(1)
        theme.changed.connect(self._show)
        self._commands = commands
        commands.shortcuts_changed.connect(self._show_shortcuts)
        self._show()
        self._show_shortcuts()

    def _make_button(self, page: type[Page]) -> QToolButton:
        button = _PageButton()
        button.setProperty("kind", "rail")
        button.setText(page.title)
        button.setAccessibleName(page.title)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        button.setIconSize(QSize(scaled(_ICON), scaled(_ICON)))
        button.setFont(smaller(self.font()))
        button.setCheckable(True)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setFixedSize(scaled(WIDTH) - 16, scaled(56))
        button.setProperty("icon_name", page.icon)
        button.clicked.connect(partial(self._on_clicked, page.id))
        button.approached.connect(partial(self.approached.emit, page.id))
        return button

    def choose(self, id: str) -> None:
        """Shows that the page of that id is open."""
        for page, button in self._buttons.items():
            button.setChecked(page == id)
        self._show()

    def _on_clicked(self, id: str, _checked: bool = False) -> None:
        self.choose(id)
        self.chosen.emit(id)

    @Slot()
    def _show_shortcuts(self) -> None:
        for page, button in self._buttons.items():
            keys = self._commands.keys(f"page.{page}")
            button.setToolTip(f"{button.text()} ({key_name(keys[0])})" if keys else button.text())

    @Slot()
    def _show(self) -> None:
        for button in self._buttons.values():
            role = "accent" if button.isChecked() else "muted"
            self._theme.set_icon(button, button.property("icon_name"), role)
