"""Painting takes turns with everything else that the window has to do."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QTimer, Slot
from PySide6.QtWidgets import QWidget


class TurnsOfPainting(QObject):
    """Lets timers and input that are due come between a change of a window and its painting.

    Qt paints what has changed before them, so they would wait for both: while a model writes, for the tokens that are
    added to the text and for the text that is painted.

    Args:
        window: of the screen; what is in it is painted with it.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._paints = False
        self._turn = QTimer(self)
        self._turn.setSingleShot(True)
        self._turn.timeout.connect(self._paint)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() != QEvent.Type.UpdateRequest or self._paints:
            return False
        self._turn.start(0)
        return True

    @Slot()
    def _paint(self) -> None:
        self._paints = True
        QCoreApplication.sendEvent(self._window, QEvent(QEvent.Type.UpdateRequest))
        self._paints = False
