"""A thread with one worker object in it, started and ended in one way everywhere."""

from __future__ import annotations

from PySide6.QtCore import QObject, QThread

from gptdesk.ui.lazy_imports import remove_import_hook


class WorkerThread(QThread):
    """Runs the slots of a worker that has no parent; reach it by queued signals alone."""

    def __init__(self, worker: QObject, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        remove_import_hook()
        self.setObjectName(name)
        self._worker = worker
        worker.moveToThread(self)

    def end(self, milliseconds: int) -> bool:
        """Lets the worker finish what it is at and forgets the rest; returns whether it ended in time."""
        self.quit()
        return self.wait(milliseconds)
