"""The menu that a right click on the text opens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMenu

from gptdesk.ui.widgets.popup import Menu

if TYPE_CHECKING:
    from gptdesk.ui.playground.editor import Editor


def text_menu(editor: Editor, *, can_undo: bool, can_redo: bool) -> QMenu:
    """What can be done to the text of ``editor``, with the keys that do it."""
    menu = Menu(editor)
    selected, key = editor.textCursor().hasSelection(), QKeySequence.StandardKey
    for title, slot, usable, shortcut in (
        ("Undo", editor.undo_wanted.emit, can_undo, key.Undo),
        ("Redo", editor.redo_wanted.emit, can_redo, key.Redo),
        ("", None, True, None),
        ("Cut", editor.cut, selected, key.Cut),
        ("Copy", editor.copy, selected, key.Copy),
        ("Paste", editor.paste, editor.canPaste(), key.Paste),
        ("", None, True, None),
        ("Select all", editor.selectAll, bool(editor.shown), key.SelectAll),
    ):
        if slot is None or shortcut is None:
            menu.addSeparator()
        else:
            action = menu.addAction(title, slot)
            action.setEnabled(usable)
            action.setShortcut(QKeySequence(shortcut))
    return menu
