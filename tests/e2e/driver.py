"""Runs the window without an X server, with keys from standard input; the program itself knows nothing of it."""

import sys
import threading
import time

from PySide6.QtCore import QCoreApplication, QObject, Qt, Signal, Slot
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from gptdesk.ui.app import main
from gptdesk.ui.main_window import MainWindow

MODIFIERS = {
    "ctrl": Qt.KeyboardModifier.ControlModifier,
    "alt": Qt.KeyboardModifier.AltModifier,
    "shift": Qt.KeyboardModifier.ShiftModifier,
}


class Hands(QObject):
    """Lives in the thread of the window."""

    told = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self.told.connect(self._do)

    @Slot(str, str)
    def _do(self, command: str, argument: str) -> None:
        (window,) = (widget for widget in QApplication.topLevelWidgets() if isinstance(widget, MainWindow))
        getattr(self, f"_{command}")(window, argument)

    def _type(self, window: MainWindow, text: str) -> None:
        QTest.keyClicks(self._focused(window), text)

    def _press(self, window: MainWindow, keys: str) -> None:
        *held, key = keys.split("+")
        modifiers = Qt.KeyboardModifier.NoModifier
        for name in held:
            modifiers |= MODIFIERS[name]
        QTest.keyClick(self._focused(window), QKeySequence(key)[0].key(), modifiers)

    def _resize(self, window: MainWindow, size: str) -> None:
        width, height = size.split()
        window.resize(int(width), int(height))

    def _photograph(self, window: MainWindow, picture: str) -> None:
        window.grab().save(picture)

    def _focused(self, window: MainWindow) -> QWidget:
        return window.focusWidget() or window


def listen() -> None:
    """Hands on what standard input says, as soon as there is somebody to hand it to."""
    while (app := QCoreApplication.instance()) is None:
        time.sleep(0.01)
    hands = Hands()
    hands.moveToThread(app.thread())
    for line in sys.stdin:
        command, _, argument = line.removesuffix("\n").partition(" ")
        hands.told.emit(command, argument)


threading.Thread(target=listen, daemon=True).start()
sys.exit(main([]))
