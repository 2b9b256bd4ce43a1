"""Actions that a menu offers and a key reaches."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget


def make_action(
    parent: QObject, window: QWidget, text: str, act: Callable[[], object], key: str | QKeySequence.StandardKey = ""
) -> QAction:
    """An action of ``parent``'s whose key, where it has one, holds in ``window`` and what is inside it."""
    action = QAction(text, parent)
    if key:
        action.setShortcut(QKeySequence(key))
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
    action.triggered.connect(lambda: act())
    window.addAction(action)
    return action
