"""What can be done besides writing: documents, pages, theme, size of the text, about, quit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from gptdesk.store.database import Entry
from gptdesk.store.settings import THEMES
from gptdesk.ui.playground.top_bar import fill_documents
from gptdesk.ui.services.settings import SettingsService
from gptdesk.ui.widgets.popup import Menu


@dataclass(frozen=True, kw_only=True)
class Commands:
    """What the entries do."""

    new: Callable[[], object]
    new_run: Callable[[], object]
    documents: Callable[[], list[Entry]]
    open: Callable[[str], object]
    all_documents: Callable[[], object]
    open_file: Callable[[], object]
    save: Callable[[], object]
    save_as: Callable[[], object]
    zoom: Callable[[int], object]
    page: Callable[[int], object]
    panel: Callable[[], object]
    about: Callable[[], object]
    quit: Callable[[], object]


class MainMenu(Menu):
    """The menu; its shortcuts hold in the whole window."""

    def __init__(self, window: QWidget, settings: SettingsService, commands: Commands) -> None:
        super().__init__(window)
        self._window = window
        key = QKeySequence.StandardKey
        self.new = self._add(self, "New document", commands.new, key.New)
        self.new_run = self._add(self, "New run…", commands.new_run)
        self._add(self, "All documents…", commands.all_documents, "Ctrl+Shift+O")
        self.recent = self.addMenu("Recent documents")
        self.recent.aboutToShow.connect(lambda: fill_documents(self.recent, commands.documents(), commands.open))
        self.addSeparator()
        self._add(self, "Open text file…", commands.open_file, key.Open)
        self._add(self, "Save to file", commands.save, key.Save)
        self._add(self, "Save to file as…", commands.save_as, "Ctrl+Shift+S")
        self.addSeparator()
        self._add(self, "Playground", lambda: commands.page(0), "Ctrl+1")
        self._add(self, "Models", lambda: commands.page(1), "Ctrl+2")
        self._add(self, "Train", lambda: commands.page(2), "Ctrl+3")
        self._add(self, "Show or hide the panel", commands.panel, "Ctrl+.")
        self.addSeparator()
        self.theme = self.addMenu("Theme")
        group = QActionGroup(self)
        for mode in THEMES:
            action = self.theme.addAction(mode.capitalize(), partial(settings.update, theme=mode))
            action.setCheckable(True)
            action.setData(mode)
            group.addAction(action)
        self.theme.aboutToShow.connect(lambda: self._check_theme(settings.value.theme))
        self._add(self, "Larger text", lambda: commands.zoom(1), key.ZoomIn, "Ctrl+=")
        self._add(self, "Smaller text", lambda: commands.zoom(-1), key.ZoomOut)
        self._add(self, "Standard text size", lambda: commands.zoom(0), "Ctrl+0")
        self.addSeparator()
        self._add(self, "About gptdesk", commands.about)
        self._add(self, "Quit", commands.quit, "Ctrl+Q")

    def _add(
        self, menu: QMenu, title: str, act: Callable[[], object], *shortcuts: QKeySequence.StandardKey | str
    ) -> QAction:
        action = menu.addAction(title)
        keys = [sequence for shortcut in shortcuts for sequence in _sequences(shortcut)]
        action.setShortcuts(keys)
        action.triggered.connect(lambda: act())
        self._window.addAction(action)  # a menu that is closed hears no keys
        return action

    def show_page(self, page: str) -> None:
        """Ctrl+N begins what the page of that name is about."""
        new, other = (self.new_run, self.new) if page == "train" else (self.new, self.new_run)
        other.setShortcuts([])
        new.setShortcuts(QKeySequence.keyBindings(QKeySequence.StandardKey.New))

    def _check_theme(self, mode: str) -> None:
        for action in self.theme.actions():
            action.setChecked(action.data() == mode)


def _sequences(shortcut: QKeySequence.StandardKey | str) -> list[QKeySequence]:
    return [QKeySequence(shortcut)] if isinstance(shortcut, str) else QKeySequence.keyBindings(shortcut)
