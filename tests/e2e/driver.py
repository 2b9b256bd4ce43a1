"""Runs the program and does what standard input says: tells what it shows and, without an X server, types and clicks.

The program itself knows nothing of it.
"""

import json
import os
import sys
import threading
import time

from PySide6.QtCore import QCoreApplication, QModelIndex, QObject, Qt, Signal, Slot
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractItemView, QApplication, QWidget

from gptdesk.ui.app import main
from gptdesk.ui.window.main_window import MainWindow

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
        windows = [widget for widget in QApplication.topLevelWidgets() if isinstance(widget, MainWindow)]
        for window in windows[:1]:  # none yet, or no longer
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
        window.grab().save(f"{picture}.new", "PNG")
        os.replace(f"{picture}.new", picture)

    def _click(self, _window: MainWindow, name: str) -> None:
        for widget in shown(name)[:1]:
            QTest.mouseClick(widget, Qt.MouseButton.LeftButton)

    def _tell(self, _window: MainWindow, argument: str) -> None:
        """Writes to a file what is shown under a name."""
        answer, _, name = argument.partition("\t")
        found = [describe(widget) for widget in shown(name)]
        temporary = f"{answer}.new"
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(found, file)
        os.replace(temporary, answer)

    def _focused(self, window: MainWindow) -> QWidget:
        over = QApplication.activePopupWidget()
        if over:
            return over.focusWidget() or over
        if QApplication.focusWidget() is None:  # after a dialog, where nobody manages windows
            QApplication.setActiveWindow(QApplication.activeModalWidget() or window)
        return QApplication.focusWidget() or window


def shown(name: str) -> list[QWidget]:
    """The widgets that a person sees under that name, or one that begins so (``Step*``).

    First come those of a dialog that keeps the others from being used, then those of the active window, and of these
    the thing itself before the words beside it.
    """
    begins = name.removesuffix("*")

    def fits(own: str) -> bool:
        return own == name or (name.endswith("*") and own.startswith(begins))

    widgets = [widget for widget in QApplication.allWidgets() if widget.isVisible() and any(map(fits, names(widget)))]
    asked = QApplication.activeModalWidget()

    def order(widget: QWidget) -> tuple[bool, bool, bool]:
        return widget.window() is not asked, not widget.isActiveWindow(), not fits(widget.accessibleName())

    return sorted(widgets, key=order)


def names(widget: QWidget) -> tuple[str, str]:
    text = getattr(widget, "text", None) or getattr(widget, "currentText", None)
    return widget.accessibleName(), str(text()).replace("&", "").strip() if callable(text) else ""


def written(widget: QWidget) -> str:
    text = getattr(widget, "toPlainText", None)
    return str(text()) if callable(text) else ""


def describe(widget: QWidget) -> dict[str, object]:
    middle = widget.mapToGlobal(widget.rect().center())
    return {
        "at": [middle.x(), middle.y()],
        "kind": widget.metaObject().className(),
        "name": names(widget)[0],
        "text": names(widget)[1] or written(widget),
        "description": widget.accessibleDescription(),
        "enabled": widget.isEnabled(),
        "focused": widget is QApplication.focusWidget(),  # not its proxy
        "cell": cell(widget),
    }


def cell(widget: QWidget) -> str:
    """What a screen reader says of the current cell of a table."""
    index = widget.currentIndex() if isinstance(widget, QAbstractItemView) else QModelIndex()
    return str(index.data(Qt.ItemDataRole.AccessibleTextRole) or index.data() or "")


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
