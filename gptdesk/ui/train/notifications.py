"""Tells what happened to runs while the person looks elsewhere: on the desktop where it can, and in the window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QApplication, QSystemTrayIcon

from gptdesk.ui.banner import Banners
from gptdesk.ui.train.lookout import Notice

_KINDS: Final = {
    "info": QSystemTrayIcon.MessageIcon.Information,
    "warn": QSystemTrayIcon.MessageIcon.Warning,
    "bad": QSystemTrayIcon.MessageIcon.Critical,
}


class Notifications(QObject):
    """Shows notices.

    Args:
        at_hand: gives the run that the person sees now, if any.

    Signals:
        clicked(object): the person wants to see the run in that folder.
    """

    clicked = Signal(object)

    def __init__(self, banners: Banners, at_hand: Callable[[], Path | None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._banners, self._at_hand = banners, at_hand
        self._tray: QSystemTrayIcon | None = None
        self._newest: Path | None = None

    @Slot(object)
    def show_notice(self, notice: Notice) -> None:
        """A banner, unless the page shows it; on the desktop, too, when another window is at work."""
        if not (notice.shown and notice.folder == self._at_hand()):
            self._banners.show_message(
                f"{notice.title}. {notice.text}",
                kind=notice.kind,
                topic=f"{notice.folder} {notice.title}",
                offers=[("Show", lambda: self.clicked.emit(notice.folder))],
            )
        if QApplication.activeWindow() is None and QSystemTrayIcon.isSystemTrayAvailable():
            self._show_on_desktop(notice)

    def _show_on_desktop(self, notice: Notice) -> None:
        if self._tray is None:
            self._tray = QSystemTrayIcon(QApplication.windowIcon(), self)
            self._tray.setToolTip("gptdesk")
            self._tray.messageClicked.connect(self._on_clicked)
            self._tray.activated.connect(self._on_clicked)
        self._newest = notice.folder
        self._tray.show()
        self._tray.showMessage(notice.title, notice.text, _KINDS[notice.kind])

    @Slot()
    def _on_clicked(self) -> None:
        if self._newest is not None:
            self.clicked.emit(self._newest)
