"""The editor: shows a document's text, tells what the person does to it, and marks what a model wrote."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable
from typing import Final

from PySide6.QtCore import QEvent, QMimeData, QRect, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QContextMenuEvent,
    QDragLeaveEvent,
    QDropEvent,
    QInputMethodEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QResizeEvent,
    QTextBlockFormat,
    QTextCursor,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from gptdesk.store.runs import clean
from gptdesk.ui.fonts import prose_font
from gptdesk.ui.playground.editing import view_text
from gptdesk.ui.playground.editing.marked_text_edit import MarkedTextEdit
from gptdesk.ui.playground.editing.mime import text_of
from gptdesk.ui.playground.editing.text_menu import text_menu
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.file_drops import files_of
from gptdesk.ui.widgets.overlay import BANNER_HEIGHT

_LINE_HEIGHT: Final = 1.75
"""Of a line, in heights of the letters."""

_COLUMN: Final = 42
"""Widest column of text, in heights of the letters: some 85 letters a line."""

_MARGIN: Final = 40
"""Beside and below the text, in pixels; above it there is room for a banner."""


class Editor(MarkedTextEdit):
    """A view: the text it shows is given by `show_document`, and an edit is only told, in characters of that text.

    Attributes:
        text_size: height of the letters, in pixels.
        undo_actions: undo and redo, for the context menu.
        is_command_key: returns whether a key belongs to a command, although text fields could use it.

    Signals:
        edited(int, int, str, bool): start, end, the text put there, whether by typing.
        touched(): the person begins to compose a character.
        undo_wanted(), redo_wanted(): of the last step.
        zoomed(int): text larger (1) or smaller (-1).
        files_given(object): paths of files that were dropped or pasted.
        column_moved(): `column` is another.
    """

    edited = Signal(int, int, str, bool)
    touched = Signal()
    undo_wanted = Signal()
    redo_wanted = Signal()
    zoomed = Signal(int)
    files_given = Signal(object)
    column_moved = Signal()

    def __init__(self, theme: Theme, text_size: int, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._shown = ""
        self._length = 0  # of what the widget holds, in Qt's units
        self._breaks: list[int] = []  # where the widget breaks a paragraph without a character of the text
        self._showing = False
        self.undo_actions: tuple[QAction, ...] = ()
        self.is_command_key: Callable[[QKeyEvent], bool] = lambda event: False
        self.text_size = text_size
        self.setObjectName("editor")
        self.setAccessibleName("Text")
        self.setAccessibleDescription("What you write, and what the model writes after it")
        self.setAcceptRichText(False)
        self.setUndoRedoEnabled(False)  # the document remembers, and knows whole generations
        self.setTabChangesFocus(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.document().setDocumentMargin(_MARGIN)
        frame = self.document().rootFrame().frameFormat()
        frame.setTopMargin(BANNER_HEIGHT)
        self.document().rootFrame().setFrameFormat(frame)
        self.document().contentsChange.connect(self._on_contents_change)
        self.set_text_size(text_size)

    @property
    def shown(self) -> str:
        """The text of the document as it is shown now."""
        return self._shown

    def set_text_size(self, pixels: int) -> None:
        """Height of the letters."""
        self.text_size = pixels
        font = prose_font(pixels)
        self._showing = True
        self.document().setDefaultFont(font)
        self.setFont(font)
        line = QTextBlockFormat()
        line.setLineHeight(self.line_height(), QTextBlockFormat.LineHeightTypes.FixedHeight.value)
        cursor = QTextCursor(self.document())
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.mergeBlockFormat(line)
        self._showing = False
        self._center_column()

    def show_document(self, text: str, generated: list[tuple[int, int]], newest: int | None = None) -> None:
        """Shows ``text``, touching only what is different, and marks the ``generated`` stretches of it.

        A reader at the end of the text stays there while it grows; elsewhere nothing scrolls.

        Args:
            text: of the document.
            generated: start and end of each generated stretch, in characters.
            newest: where the newest generation begins; the whole text when not given.
        """
        if text != self._shown:
            self._put(*view_text.difference(self._shown, text), text)
            self.follow()
        places = iter(self._positions(place for span in generated for place in span))
        self.mark(list(zip(places, places, strict=True)), self._position(newest) if newest else 0, self.line_height())

    def show_place(self, index: int) -> None:
        """Puts the cursor before the character at ``index`` and scrolls there."""
        cursor = self.textCursor()
        cursor.setPosition(min(self._position(index), self._length))
        self.setTextCursor(cursor)
        self.show_cursor()

    def column(self) -> QRect:
        """Where the text stands when nothing is scrolled, in pixels of this widget."""
        side = self.viewportMargins().left() + _MARGIN
        return QRect(side, BANNER_HEIGHT, self.width() - 2 * side, self.height() - BANNER_HEIGHT - _MARGIN)

    def letters_top(self) -> int:
        """Where the letters of an empty text's first line begin, in pixels of this widget."""
        block = self.document().firstBlock()
        self.document().documentLayout().blockBoundingRect(block)  # lays it out
        layout = block.layout()
        return BANNER_HEIGHT + (round(layout.lineAt(0).y()) if layout.lineCount() else 0)

    def line_height(self) -> int:
        """From one line to the next, in pixels."""
        return round(self.text_size * _LINE_HEIGHT)

    def replace_selection(self, text: str) -> None:
        """Puts ``text`` in the place of the selection, as pasting does."""
        cursor = self.textCursor()
        self._tell(self._index(cursor.selectionStart()), self._index(cursor.selectionEnd()), clean(text))

    def _tell(self, start: int, end: int, text: str) -> None:
        """An edit that is made in the document first and comes back as text to show."""
        with self.person_at_work():
            self.edited.emit(start, end, text, False)
            self.show_place(start + len(text))

    def _put(self, start: int, old_end: int, new_end: int, text: str) -> None:
        """Makes the widget show ``text``, which differs from what it shows between these places."""
        self._showing = True
        first, last = self._position(start), self._position(old_end)
        cursor = QTextCursor(self.document())
        cursor.setPosition(first)
        pieces = view_text.softened(text[start:new_end], cursor.positionInBlock())
        cursor.setPosition(last, QTextCursor.MoveMode.KeepAnchor)
        cursor.insertText(view_text.joined("\u2029".join(pieces)))
        self._remember(text, first, last - first, cursor.position() - first)
        for piece in pieces[:-1]:
            first += view_text.units(piece) + 1
            bisect.insort(self._breaks, first - 1)
        self._showing = False

    def _remember(self, text: str, position: int, removed: int, added: int) -> None:
        """``text`` is shown now; in Qt's units it came about by an edit at ``position``."""
        self._shown = text
        self._length = self.document().characterCount() - 1  # Qt counts the end of the text, too
        self._breaks = [
            place if place < position else place + added - removed
            for place in self._breaks
            if not position <= place < position + removed
        ]

    def _on_contents_change(self, position: int, removed: int, added: int) -> None:
        """Tells what the person did, which may be less than the range that Qt reports."""
        if self._showing:
            return
        length = self.document().characterCount() - 1
        removed, added = min(removed, self._length - position), min(added, length - position)
        assert self._length - removed == length - added, "Qt reports ranges that fit together"
        old_start, old_end = self._index(position), self._index(position + removed)
        old, new = self._shown[old_start:old_end], self._read(position, position + added)
        shorter = min(len(old), len(new))
        before = next((i for i in range(shorter) if not view_text.same_in_view(old[i], new[i])), shorter)
        shorter -= before
        after = next((i for i in range(shorter) if not view_text.same_in_view(old[-1 - i], new[-1 - i])), shorter)
        start, end, text = old_start + before, old_end - after, new[before : len(new) - after]
        self._remember(self._shown[:start] + text + self._shown[end:], position, removed, added)
        if start < end or text:
            self.edited.emit(start, end, text, len(text) + end - start == 1)

    def _read(self, start: int, end: int) -> str:
        """What the widget holds between two of Qt's positions."""
        cursor = QTextCursor(self.document())
        cursor.setPosition(start)
        cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
        return clean(cursor.selectedText())

    def _index(self, position: int) -> int:
        """Qt's position in characters of the text."""
        position -= bisect.bisect_left(self._breaks, position)
        return position if self._plain else view_text.index(self._shown, position)

    def _position(self, index: int) -> int:
        """The opposite of `_index`; of two places with a break between them the second."""
        return self._positions([index])[0]

    def _positions(self, indexes: Iterable[int]) -> list[int]:
        """`_position` of each of ``indexes``, which ascend."""
        found: list[int] = []
        at = units = passed = 0
        for index in indexes:
            units += index - at if self._plain else view_text.units(self._shown[at:index])
            at = index
            while passed < len(self._breaks) and self._breaks[passed] <= units + passed:
                passed += 1
            found.append(units + passed)
        return found

    @property
    def _plain(self) -> bool:
        """Whether Qt counts as Python does: each character of the text is one unit."""
        return self._length - len(self._breaks) == len(self._shown)

    def _center_column(self) -> None:
        """A line that is too long loses the eye on its way back."""
        bar = self.verticalScrollBar().sizeHint().width()
        side = max(bar, (self.width() - _COLUMN * self.text_size) // 2 - _MARGIN)
        self.setViewportMargins(side, 0, side - bar, 0)
        self.column_moved.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._center_column()
        super().resizeEvent(event)
        self.column_moved.emit()  # and the text is laid out

    def event(self, event: QEvent) -> bool:
        """Leaves the keys of commands to the window, which gets those that a text field ignores here."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self.is_command_key(event):
            event.ignore()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Undo):
            self.undo_wanted.emit()
        elif event.matches(QKeySequence.StandardKey.Redo):
            self.redo_wanted.emit()
        else:
            with self.person_at_work():
                self._answer_key(event)

    def _answer_key(self, event: QKeyEvent) -> None:
        before = self.textCursor().position()
        if (
            event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
            and event.modifiers() == Qt.KeyboardModifier.ShiftModifier
        ):
            self.textCursor().insertBlock()  # Qt would put a line separator, which is no text that a model knows
        else:
            super().keyPressEvent(event)
        if self.textCursor().position() != before:
            self.show_cursor()

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        with self.person_at_work():
            if event.preeditString():
                self.touched.emit()
            super().inputMethodEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Three clicks select a paragraph: a line of the text, where the widget has several in one of its own."""
        super().mousePressEvent(event)
        cursor = self.textCursor()
        block = self.document().findBlock(cursor.selectionStart())
        length = cursor.selectionEnd() - cursor.selectionStart()
        whole = cursor.selectionStart() == block.position() and length in (block.length() - 1, block.length())
        if not whole or "\u2028" not in block.text():
            return
        place = self._index(self.cursorForPosition(event.position().toPoint()).position())
        start = self._shown.rfind("\n", 0, place) + 1
        end = self._shown.find("\n", place)
        cursor.setPosition(self._position(start))
        cursor.setPosition(self._position(end) if end >= 0 else self._length, QTextCursor.MoveMode.KeepAnchor)
        self.setTextCursor(cursor)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.zoomed.emit(1 if event.angleDelta().y() > 0 else -1)
        else:
            super().wheelEvent(event)

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        return source.hasText() or source.hasHtml() or bool(files_of(source))

    def insertFromMimeData(self, source: QMimeData) -> None:
        if files := files_of(source):
            self.files_given.emit(files)
        elif text := text_of(source):
            self.replace_selection(text)

    def createMimeDataFromSelection(self) -> QMimeData:
        cursor = self.textCursor()
        data = QMimeData()
        data.setText(self._shown[self._index(cursor.selectionStart()) : self._index(cursor.selectionEnd())])
        return data

    def dropEvent(self, event: QDropEvent) -> None:
        """As pasting at that place; text that is dragged within the editor is moved."""
        self.dragLeaveEvent(QDragLeaveEvent())
        if files := files_of(event.mimeData()):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            self.files_given.emit(files)
            return
        target = self._index(self.cursorForPosition(event.position().toPoint()).position())
        text = clean(text_of(event.mimeData()))
        cursor = self.textCursor()
        if event.source() is self and event.dropAction() == Qt.DropAction.MoveAction:
            start, end = self._index(cursor.selectionStart()), self._index(cursor.selectionEnd())
            event.setDropAction(Qt.DropAction.CopyAction)  # else Qt would remove the selection once more
            if start <= target <= end:
                return
            self._tell(start, end, "")
            target -= end - start if target > end else 0
        self._tell(target, target, text)
        event.accept()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = text_menu(self, self.undo_actions)
        menu.exec(event.globalPos())
        menu.deleteLater()
