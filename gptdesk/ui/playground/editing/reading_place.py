"""Where a person is reading in the editor: asked when a document is left, and shown when it is opened again."""

from __future__ import annotations

from PySide6.QtCore import QPoint
from PySide6.QtGui import QTextCursor

from gptdesk.store.recovery import Place
from gptdesk.ui.playground.editing.editor import Editor


def reading_place(editor: Editor) -> Place:
    """Caret and topmost line of the editor."""
    places = editor.places
    top = editor.cursorForPosition(QPoint(0, 0)).position()
    return Place(caret=places.index(editor.textCursor().position()), top=places.index(top))


def show_reading_place(editor: Editor, place: Place) -> None:
    """Puts the caret and the topmost line where they were, as far as the text still has these places."""
    length = len(editor.shown)
    editor.show_place(min(place.caret, length))
    top = QTextCursor(editor.document())
    top.setPosition(editor.places.position(min(place.top, length)))
    bar = editor.verticalScrollBar()
    bar.setValue(bar.value() + editor.cursorRect(top).top())
