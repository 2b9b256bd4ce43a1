"""Lets a widget keep keys that are also shortcuts of commands."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

ALT_UP_DOWN: Final = frozenset({Qt.Key.Key_Up, Qt.Key.Key_Down})


class OwnKeys(QObject):
    """While the widget has the focus, it gets Alt+Up and Alt+Down, whatever command has these keys."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() in ALT_UP_DOWN
            and event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier == Qt.KeyboardModifier.AltModifier
        ):
            event.accept()
            return True
        return False
