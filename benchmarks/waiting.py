"""Lets a window work while a benchmark waits."""

from __future__ import annotations

from PySide6.QtCore import QEventLoop, QTimer


def wait(seconds: float) -> None:
    """Runs the event loop for so long.

    The timer has the loop as its context: without one PySide 6.11 keeps an object of 64 bytes for each call, and a soak
    of half an hour waits a hundred thousand times.
    """
    loop = QEventLoop()
    QTimer.singleShot(round(1000 * seconds), loop, loop.quit)
    loop.exec()
