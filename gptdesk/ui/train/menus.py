"""Menus of the Train page, filled when they open: of the selected run, of its checkpoints, of the list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject, QPoint, Qt
from PySide6.QtWidgets import QWidget

from gptdesk.ui.services.runs.service import RunService
from gptdesk.ui.train.data.actions import DataActions
from gptdesk.ui.train.runs.run_actions import RunActions
from gptdesk.ui.widgets.popup import Menu
from gptdesk.ui.window.commands.registry import Commands

_REQUESTS: Final = ("run.checkpoint", "run.evaluate", "run.sample", "run.change", "run.abort")
"""Ids of the commands in the menu of an active run."""


class TrainMenus(QObject):
    """The menus.

    Args:
        window: their parent.
        shows_data: returns whether a preparation is selected instead of a run.

    Attributes:
        more: requests and actions of the selected run.
        checkpoints: opens one of them in the Playground.
    """

    def __init__(
        self,
        run_monitor: RunService,
        actions: RunActions,
        data_actions: DataActions,
        commands: Commands,
        shows_data: Callable[[], bool],
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._run_monitor, self._actions, self._data_actions = run_monitor, actions, data_actions
        self._commands, self._shows_data, self._window = commands, shows_data, window
        self.more, self.checkpoints = Menu(window), Menu(window)
        self.more.aboutToShow.connect(self._fill_more)
        self.checkpoints.aboutToShow.connect(self._fill_checkpoints)

    def show_context_menu(self, of_entry: bool, at: QPoint) -> None:
        """Opens the menu of the list at that place on the screen, with or without the selected entry's actions."""
        menu = Menu(self._window)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if of_entry:
            if self._shows_data():
                self._data_actions.fill(menu)
            else:
                view = self._run_monitor.view
                self._actions.fill(menu, view.checkpoints if view else ())
            menu.addSeparator()
        self._actions.fill_watched(menu)
        menu.popup(at)

    def _fill_more(self) -> None:
        self.more.clear()
        view = self._run_monitor.view
        if view is None:
            return
        if view.entry.active:
            self._commands.refresh(*_REQUESTS)
            for id in _REQUESTS:
                self.more.addAction(self._commands.action(id))
            self.more.addSeparator()
        self._actions.fill(self.more, view.checkpoints)

    def _fill_checkpoints(self) -> None:
        self.checkpoints.clear()
        view = self._run_monitor.view
        self._actions.fill_checkpoints(self.checkpoints, view.checkpoints if view else ())
