"""Saves and restores size and position of the window, column widths and hidden panels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from PySide6.QtCore import QByteArray, QSettings, QSize
from PySide6.QtWidgets import QWidget

from gptdesk.ui.window.pages import PageView

_FIRST: Final = QSize(1320, 820)
"""Size of the window at the first start, limited to the screen."""


class WindowGeometry:
    """Reads and writes a file of its own, apart from the settings."""

    def __init__(self, window: QWidget, file: QSettings) -> None:
        self._window, self._file = window, file

    def restore(self) -> None:
        """Restores size and position of the window."""
        state = self._file.value("geometry")
        if not (isinstance(state, QByteArray) and self._window.restoreGeometry(state)):
            self._window.resize(_FIRST.boundedTo(self._window.screen().availableSize()))

    def restore_columns(self, page: str, view: PageView) -> None:
        """Restores the column widths of a page, and hides its panel if it was hidden."""
        if view.columns is not None:
            view.columns.set_borders(self._file.value(f"borders/{page}"))
        if view.fold is not None:
            view.fold.folded = str(self._file.value(f"folded/{page}")).lower() == "true"

    def save(self, views: Mapping[str, PageView]) -> None:
        """Saves the geometry of the window and of these pages."""
        self._file.setValue("geometry", self._window.saveGeometry())
        for page, view in views.items():
            if view.columns is not None:
                self._file.setValue(f"borders/{page}", view.columns.borders)
            if view.fold is not None:
                self._file.setValue(f"folded/{page}", view.fold.folded)
