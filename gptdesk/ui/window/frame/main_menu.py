"""The main menu: commands of the registry that have a group."""

from __future__ import annotations

from functools import partial

from PySide6.QtWidgets import QMenu, QWidget

from gptdesk.ui.widgets.popup import Menu
from gptdesk.ui.window.commands.registry import GROUPS, Command, Commands


class MainMenu(Menu):
    """Lists commands in the order in which they were registered.

    Args:
        commands: those with a group are listed.
    """

    def __init__(self, window: QWidget, commands: Commands) -> None:
        super().__init__(window)
        self._commands = commands
        self._submenus: dict[str, QMenu] = {}
        self._count = 0
        self.aboutToShow.connect(self._refresh)
        self._fill()

    def _refresh(self) -> None:
        self._commands.refresh()
        if len(self._commands) != self._count:
            self._fill()

    def _fill(self) -> None:
        self._count = len(self._commands)
        self.clear()
        for menu in self._submenus.values():
            menu.deleteLater()
        self._submenus.clear()
        for group in GROUPS:
            listed = [command for command in self._commands if command.group == group]
            if listed and not self.isEmpty():
                self.addSeparator()
            for command in listed:
                self._add(command)

    def _add(self, command: Command) -> None:
        if command.fill is not None:
            menu = self.submenu(command.title)
            menu.aboutToShow.connect(partial(command.fill, menu))
        else:
            (self.submenu(command.submenu) if command.submenu else self).addAction(self._commands.action(command.id))

    def submenu(self, title: str) -> QMenu:
        """The submenu of that title; made if there is none."""
        if title not in self._submenus:
            self._submenus[title] = self.addMenu(title)
        return self._submenus[title]
