"""Ends the background tasks of the New run sheet and deletes it, when it or its window is closed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QEvent, QObject, Slot
from PySide6.QtWidgets import QDialog, QWidget

from gptdesk.ui.services.background import TaskQueue

_END_MS: Final = 15_000
"""Milliseconds that a window that closes waits for a task."""


class SheetClosing(QObject):
    """Watches the window of the sheet.

    Args:
        sheet: is rejected when the window closes.
        window: under which the sheet is shown, if any.
        queues: whose tasks belong to the sheet.
    """

    def __init__(self, sheet: QDialog, window: QWidget | None, queues: Sequence[TaskQueue]) -> None:
        super().__init__(sheet)
        self._sheet, self._window, self._queues = sheet, window, queues
        if window is not None:
            window.installEventFilter(self)

    def delete_sheet(self) -> None:
        """Drops the tasks that wait; deletes the sheet once the running ones have ended."""
        for queue in self._queues:
            queue.drop_waiting()
            queue.idle.connect(self._delete_when_idle)
        self._delete_when_idle()

    @Slot()
    def _delete_when_idle(self) -> None:
        if not any(queue.busy for queue in self._queues):
            self._sheet.deleteLater()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Closes the sheet with its window, and ends its tasks."""
        if watched is self._window and event.type() == QEvent.Type.Close:
            if self._sheet.isVisible():
                self._sheet.reject()
            for queue in self._queues:
                queue.shut_down(_END_MS)
        return super().eventFilter(watched, event)
