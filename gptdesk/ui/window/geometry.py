"""Keeps the window's size and place, the widths of its columns and which panels are hidden, from start to start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from PySide6.QtCore import QByteArray, QSettings, QSize
from PySide6.QtWidgets import QWidget

from gptdesk.ui.window.pages import PageView

_FIRST: Final = QSize(1320, 820)
"""Pixels of the window at the first start, where the screen has them."""


class WindowGeometry:
    """Reads and writes geometry in a file of its own, apart from the settings."""

    def __init__(self, window: QWidget, file: QSettings) -> None:
        self._window, self._file = window, file

    def restore(self) -> None:
        """Gives the window the size and place that it had."""
        state = self._file.value("geometry")
        if not (isinstance(state, QByteArray) and self._window.restoreGeometry(state)):
            self._window.resize(_FIRST.boundedTo(self._window.screen().availableSize()))

    def restore_columns(self, page: str, view: PageView) -> None:
        """Gives the columns of a page the widths that they had, and hides the panel that was hidden."""
        if view.columns is not None:
            view.columns.set_borders(self._file.value(f"borders/{page}"))
        if view.fold is not None:
            view.fold.folded = str(self._file.value(f"folded/{page}")).lower() == "true"

    def save(self, views: Mapping[str, PageView]) -> None:
        """Writes the window's geometry, and the columns and hidden panels of these pages."""
        self._file.setValue("geometry", self._window.saveGeometry())
        for page, view in views.items():
            if view.columns is not None:
                self._file.setValue(f"borders/{page}", view.columns.borders)
            if view.fold is not None:
                self._file.setValue(f"folded/{page}", view.fold.folded)
