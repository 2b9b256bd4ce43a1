"""The editor: shows a document's text, emits the person's edits, and marks generated text."""

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
"""Height of a line, as a multiple of the font size."""

_COLUMN: Final = 42
"""Widest column of text, as a multiple of the font size: about 85 characters a line."""

_MARGIN: Final = 40
"""Left, right and below the text, in pixels; above it is space for a banner."""


class Editor(MarkedTextEdit):
    """A view of a document. `show_document` sets the text; edits are emitted, in characters of that text.

    Attributes:
        text_size: font size, in pixels.
        undo_actions: actions of undo and redo, for the context menu.
        soft_breaks: Qt's positions at which the widget breaks a paragraph without a character of the text, ascending.
        is_command_key: returns whether a key that text fields use belongs to a command here.

    Signals:
        edited(int, int, str, bool): emitted with start, end, replacement, and whether it was typed.
        touched(): emitted when an input method begins to compose.
        undo_wanted(), redo_wanted(): emitted when their keys are pressed.
        zoomed(int): emitted to make the text larger (1) or smaller (-1).
        files_given(object): emitted with the paths of files that were dropped or pasted.
        column_moved(): emitted when `column` changes.
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
        self.soft_breaks: list[int] = []
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
        """The text of the document that is shown."""
        return self._shown

    def set_text_size(self, pixels: int) -> None:
        """Sets the font size, in pixels."""
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
        """Shows ``text``, changing only what differs, and marks the ``generated`` spans.

        At the end of the text the view follows it while it grows; elsewhere nothing scrolls.

        Args:
            text: of the document.
            generated: start and end of each generated span, in characters.
            newest: where the newest generation begins; by default all of the text is tinted.
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
        """Rectangle of the text while nothing is scrolled, in pixels of this widget."""
        side = self.viewportMargins().left() + _MARGIN
        return QRect(side, BANNER_HEIGHT, self.width() - 2 * side, self.height() - BANNER_HEIGHT - _MARGIN)

    def letters_top(self) -> int:
        """Top of the first line of an empty text, in pixels of this widget."""
        block = self.document().firstBlock()
        self.document().documentLayout().blockBoundingRect(block)  # lays it out
        layout = block.layout()
        return BANNER_HEIGHT + (round(layout.lineAt(0).y()) if layout.lineCount() else 0)

    def line_height(self) -> int:
        """Distance of two lines, in pixels."""
        return round(self.text_size * _LINE_HEIGHT)

    def replace_selection(self, text: str) -> None:
        """Replaces the selection by ``text``, as pasting does."""
        cursor = self.textCursor()
        self._tell(self._index(cursor.selectionStart()), self._index(cursor.selectionEnd()), clean(text))

    def _tell(self, start: int, end: int, text: str) -> None:
        """Emits an edit; the document applies it and calls `show_document`."""
        with self.person_at_work():
            self.edited.emit(start, end, text, False)
            self.show_place(start + len(text))

    def _put(self, start: int, old_end: int, new_end: int, text: str) -> None:
        """Makes the widget show ``text``, which differs from the shown text between these indexes."""
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
            bisect.insort(self.soft_breaks, first - 1)
        self._showing = False

    def _remember(self, text: str, position: int, removed: int, added: int) -> None:
        """Records that ``text`` is shown after an edit at ``position``, in Qt's units."""
        self._shown = text
        self._length = self.document().characterCount() - 1  # Qt counts the end of the text, too
        self.soft_breaks = [
            place if place < position else place + added - removed
            for place in self.soft_breaks
            if not position <= place < position + removed
        ]

    def _on_contents_change(self, position: int, removed: int, added: int) -> None:
        """Emits the person's edit, which may be smaller than the range that Qt reports."""
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
        """The text between two of Qt's positions."""
        cursor = QTextCursor(self.document())
        cursor.setPosition(start)
        cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
        return clean(cursor.selectedText())

    def _index(self, position: int) -> int:
        """Converts Qt's position to an index of the text."""
        position -= bisect.bisect_left(self.soft_breaks, position)
        return position if self._plain else view_text.index(self._shown, position)

    def _position(self, index: int) -> int:
        """Converts an index of the text to Qt's position; at a soft break, the one after it."""
        return self._positions([index])[0]

    def _positions(self, indexes: Iterable[int]) -> list[int]:
        """`_position` of each of ``indexes``, which must ascend."""
        found: list[int] = []
        at = units = passed = 0
        for index in indexes:
            units += index - at if self._plain else view_text.units(self._shown[at:index])
            at = index
            while passed < len(self.soft_breaks) and self.soft_breaks[passed] <= units + passed:
                passed += 1
            found.append(units + passed)
        return found

    @property
    def _plain(self) -> bool:
        """Whether each character of the text is one of Qt's units."""
        return self._length - len(self.soft_breaks) == len(self._shown)

    def _center_column(self) -> None:
        """Limits the column of text to a readable width, in the middle of the widget."""
        bar = self.verticalScrollBar().sizeHint().width()
        side = max(bar, (self.width() - _COLUMN * self.text_size) // 2 - _MARGIN)
        self.setViewportMargins(side, 0, side - bar, 0)
        self.column_moved.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._center_column()
        super().resizeEvent(event)
        self.column_moved.emit()  # and the text is laid out

    def event(self, event: QEvent) -> bool:
        """Leaves the keys of commands to the window: it gets those that this widget ignores."""
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
        """Three clicks select one line of the text, although the widget may hold several in one paragraph."""
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
        """Inserts what is dropped as pasting would; text dragged within the editor is moved."""
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
