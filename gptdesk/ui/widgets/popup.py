"""A menu at the pointer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QMenu, QWidget

Entry = tuple[str, Callable[[], object], bool]
"""What an entry says, what it does, whether it can be chosen now."""


def show_menu(parent: QWidget, place: QPoint, entries: Sequence[Entry | None]) -> None:
    """Shows the entries, ``None`` being a line between them, and does what is chosen."""
    menu = QMenu(parent)
    for entry in entries:
        if entry is None:
            menu.addSeparator()
            continue
        title, act, usable = entry
        menu.addAction(title, act).setEnabled(usable)
    menu.exec(place)
    menu.deleteLater()
