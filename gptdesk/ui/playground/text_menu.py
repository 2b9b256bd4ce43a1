"""Context menu of a text editor."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMenu, QTextEdit

from gptdesk.ui.widgets.popup import Menu

Change = tuple[Callable[[], object], bool]
"""Undoes or redoes, and whether there is something to undo or redo."""


def text_menu(editor: QTextEdit, *, undo: Change, redo: Change) -> QMenu:
    """What can be done to the text of ``editor``, with the shortcuts that do it."""
    menu = Menu(editor)
    selected, key = editor.textCursor().hasSelection(), QKeySequence.StandardKey
    for title, slot, usable, shortcut in (
        ("Undo", *undo, key.Undo),
        ("Redo", *redo, key.Redo),
        ("", None, True, None),
        ("Cut", editor.cut, selected, key.Cut),
        ("Copy", editor.copy, selected, key.Copy),
        ("Paste", editor.paste, editor.canPaste(), key.Paste),
        ("", None, True, None),
        ("Select all", editor.selectAll, not editor.document().isEmpty(), key.SelectAll),
    ):
        if slot is None or shortcut is None:
            menu.addSeparator()
        else:
            action = menu.addAction(title, slot)
            action.setEnabled(usable)
            action.setShortcut(QKeySequence(shortcut))
    return menu
