"""Settings dialog: pages made from the table of settings, a list of folders, and a page for keyboard shortcuts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from gptdesk.folders import MODELS_SETTING
from gptdesk.store.setting_fields import settings_of
from gptdesk.ui.fonts import scaled
from gptdesk.ui.services.services import Services
from gptdesk.ui.window.commands.registry import Commands
from gptdesk.ui.window.settings.folders_page import FoldersPage
from gptdesk.ui.window.settings.keyboard_page import KeyboardPage
from gptdesk.ui.window.settings.models_folder import change_models_folder
from gptdesk.ui.window.settings.row import Apply, SettingRow

FOLDERS: Final = "Folders"
KEYBOARD: Final = "Keyboard"

_SIZE: Final = QSize(820, 560)
_LIST, _PAGE = 168, 34
"""Pixels: width of the list of pages, height of a page in it."""


class SettingsDialog(QDialog):
    """The settings dialog; changes apply at once.

    Attributes:
        pages: list of pages.
        rows: of the settings, by key.
    """

    def __init__(self, services: Services, commands: Commands, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Settings")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.rows: dict[str, SettingRow] = {}
        self.pages = QListWidget()
        self.pages.setObjectName("navigation")
        self.pages.setAccessibleName("Settings pages")
        self.pages.setFixedWidth(scaled(_LIST))
        self._stack = QStackedWidget()
        self._missing: Mapping[str, Callable[[], Mapping[Any, str]]] = {
            "device": lambda: services.inference.missing_devices
        }
        self._apply: Mapping[str, Apply] = {MODELS_SETTING: partial(change_models_folder, services)}
        self.keyboard = KeyboardPage(commands)
        table = settings_of(type(services.settings.value)).values()
        for title in dict.fromkeys([*(setting.page for setting in table), FOLDERS]):
            rows = [
                SettingRow(services.settings, one, self._missing.get(one.key), self._apply.get(one.key))
                for one in table
                if one.page == title
            ]
            self.rows |= {row.setting.key: row for row in rows}
            self._add(title, _scrolled(_column([*rows, self._folders(services)] if title == FOLDERS else rows)))
        self._add(KEYBOARD, self.keyboard)
        self.pages.currentRowChanged.connect(self._show_row)
        self.pages.setCurrentRow(0)
        self._lay_out()
        self.resize(_fitting(_SIZE, parent))

    def show_page(self, title: str) -> None:
        """Shows the page of that title."""
        for item in self.pages.findItems(title, Qt.MatchFlag.MatchExactly):
            self.pages.setCurrentItem(item)

    def _folders(self, services: Services) -> FoldersPage:
        page = FoldersPage(lambda: services.models.folders)
        services.settings.changed.connect(page.show_paths)
        return page

    def _add(self, title: str, page: QWidget) -> None:
        item = QListWidgetItem(title)
        item.setSizeHint(QSize(0, scaled(_PAGE)))
        self.pages.addItem(item)
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        heading = QLabel(title)
        heading.setProperty("kind", "headline")
        column.addWidget(heading)
        column.addWidget(page, 1)
        self._stack.addWidget(holder)

    def _show_row(self, row: int) -> None:
        self._stack.setCurrentIndex(row)

    def _lay_out(self) -> None:
        close = QPushButton("Close")
        close.setDefault(True)
        close.setAutoDefault(False)
        close.clicked.connect(self.accept)
        parts = QHBoxLayout()
        parts.setSpacing(24)
        parts.addWidget(self.pages)
        parts.addWidget(self._stack, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 16)
        layout.setSpacing(16)
        layout.addLayout(parts, 1)
        layout.addWidget(close, 0, Qt.AlignmentFlag.AlignRight)
        self.pages.setFocus()


def _column(rows: Sequence[QWidget]) -> QWidget:
    column = QWidget()
    layout = QVBoxLayout(column)
    layout.setContentsMargins(0, 0, 12, 0)
    layout.setSpacing(20)
    for row in rows:
        layout.addWidget(row)
    layout.addStretch(1)
    return column


def _scrolled(page: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    page.setProperty("zone", "surface")
    page.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    area.setWidget(page)
    return area


def _fitting(size: QSize, parent: QWidget | None) -> QSize:
    wanted = QSize(scaled(size.width()), scaled(size.height()))
    return wanted.boundedTo(parent.size() - QSize(48, 48)) if parent is not None else wanted
