"""Asks for the newest version and whether the desktop animates, and reads licences, in a background task."""

from __future__ import annotations

import logging
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QStyle

from gptdesk.desktop_motion import animations_are_off, is_gnome
from gptdesk.program.updates import Release, newest_release
from gptdesk.ui.services.background import TaskQueue
from gptdesk.ui.services.settings import SavedSettings

log = logging.getLogger(__name__)


class ProgramInfo(QObject):
    """What there is to know about the program and the desktop that takes time to find out.

    Attributes:
        reduced_motion: whether the desktop is known to want no animations.

    Signals:
        newer_found(object): the `Release` that the question at the start found, and that is newer than this program.
    """

    newer_found = Signal(object)

    def __init__(self, settings: SavedSettings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self._tasks = TaskQueue("program", self)
        self.reduced_motion = not QApplication.style().styleHint(QStyle.StyleHint.SH_Widget_Animate)

    def start(self) -> None:
        """Asks for the newest version if the settings say so. That nothing was learned is only logged."""
        if self._settings.value.update_check:
            self.newest_release(self._on_release, lambda sentence: log.info("no new version: %s", sentence))
        self._ask_for_motion(Qt.ApplicationState.ApplicationActive)
        app = QGuiApplication.instance()
        assert isinstance(app, QGuiApplication)
        app.applicationStateChanged.connect(self._ask_for_motion)

    @Slot(Qt.ApplicationState)
    def _ask_for_motion(self, state: Qt.ApplicationState) -> None:
        """Asks a desktop that Qt does not know whether it animates: at the start, and when the person comes back."""
        if state == Qt.ApplicationState.ApplicationActive and is_gnome():
            self._tasks.run(animations_are_off, self._on_motion)

    def newest_release(self, done: Callable[[Release], object], failed: Callable[[str], object]) -> None:
        """Asks for the newest version, whatever the settings say; ``failed`` gets a sentence."""
        address = self._settings.value.update_address
        self._tasks.run(lambda: newest_release(address), done, failed)

    def licences(self, done: Callable[[str], object]) -> None:
        """Reads the licences of the libraries."""
        from gptdesk.program.licences import third_party_licences

        self._tasks.run(third_party_licences, done)

    def shut_down(self, milliseconds: int) -> bool:
        """Ends the thread; returns whether it ended in time."""
        return self._tasks.shut_down(milliseconds)

    def _on_motion(self, off: bool) -> None:
        self.reduced_motion = off

    def _on_release(self, release: Release) -> None:
        if release.is_newer:
            self.newer_found.emit(release)
