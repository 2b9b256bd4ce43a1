"""Notifications about runs, in the window and on the desktop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QApplication, QSystemTrayIcon

from gptdesk.ui.services.services import MessageService

if TYPE_CHECKING:
    from gptdesk.ui.services.runs.notices import Notice

_KINDS: Final = {
    "info": QSystemTrayIcon.MessageIcon.Information,
    "warn": QSystemTrayIcon.MessageIcon.Warning,
    "bad": QSystemTrayIcon.MessageIcon.Critical,
}


class Notifications(QObject):
    """Shows notices.

    Args:
        at_hand: returns the folder of the run that is on the screen, if any.
        on_desktop: returns whether the settings allow desktop notifications.

    Signals:
        clicked(object): show the run in that folder.
    """

    clicked = Signal(object)

    def __init__(
        self,
        messages: MessageService,
        at_hand: Callable[[], Path | None],
        parent: QObject | None = None,
        *,
        on_desktop: Callable[[], bool] = lambda: True,
    ) -> None:
        super().__init__(parent)
        self._messages, self._at_hand, self._on_desktop = messages, at_hand, on_desktop
        self._tray: QSystemTrayIcon | None = None
        self._newest: Path | None = None

    @Slot(object)
    def show_notice(self, notice: Notice) -> None:
        """Shows a message unless the page shows the same, and a desktop notification while the window is inactive.

        Good news is a toast. Anything else is a banner that stays until the run is shown or the banner closed.
        """
        if not (notice.shown and notice.folder == self._at_hand()):
            text, offers = f"{notice.title}. {notice.text}", [("Show", lambda: self.clicked.emit(notice.folder))]
            if notice.kind == "info":
                self._messages.toast(text, offers=offers)
            else:
                self._messages.show(text, kind=notice.kind, topic=f"{notice.folder} {notice.title}", offers=offers)
        away = QApplication.activeWindow() is None
        if away and self._on_desktop() and QSystemTrayIcon.isSystemTrayAvailable():
            self._show_on_desktop(notice)

    def forget(self, folder: Path) -> None:
        """Removes the banners about that run, which is on the screen now."""
        self._messages.solve(*[topic for topic in self._messages.banners if topic.startswith(f"{folder} ")])

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
