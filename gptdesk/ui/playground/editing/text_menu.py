"""Context menu of a text editor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QTextEdit

from gptdesk.ui.widgets.popup import Menu

SPECIAL: Final = "Insert special token"
"""Title of the submenu."""


def text_menu(
    editor: QTextEdit, undo_and_redo: Sequence[QAction], fill_special: Callable[[QMenu], object] | None = None
) -> QMenu:
    """Makes the menu: undo and redo of the document, then cut, copy, paste and select all, then special tokens."""
    menu = Menu(editor)
    menu.addActions(undo_and_redo)
    menu.addSeparator()
    selected, key = editor.textCursor().hasSelection(), QKeySequence.StandardKey
    for title, slot, usable, shortcut in (
        ("Cut", editor.cut, selected, key.Cut),
        ("Copy", editor.copy, selected, key.Copy),
        ("Paste", editor.paste, editor.canPaste(), key.Paste),
        ("Select all", editor.selectAll, not editor.document().isEmpty(), key.SelectAll),
    ):
        if shortcut is key.SelectAll:
            menu.addSeparator()
        action = menu.addAction(title, slot)
        action.setEnabled(usable)
        action.setShortcut(QKeySequence(shortcut))
    if fill_special is not None:
        menu.addSeparator()
        fill_special(menu.addMenu(SPECIAL))
    return menu
