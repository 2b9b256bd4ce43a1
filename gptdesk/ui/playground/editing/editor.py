"""The editor: shows a document's text, emits the person's edits, and marks generated text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QEvent, QMimeData, QPoint, QRect, Qt, Signal
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
from PySide6.QtWidgets import QMenu, QWidget

from gptdesk.gpt2.mixed_text import MixedText
from gptdesk.store.runs import clean, clean_mixed
from gptdesk.ui.fonts import prose_font
from gptdesk.ui.playground.editing import view_text
from gptdesk.ui.playground.editing.mime import data_of, mixed_of
from gptdesk.ui.playground.editing.shown_text import ShownText
from gptdesk.ui.playground.editing.special_tokens import SpecialTokenTextEdit, insert_mixed
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


class Editor(SpecialTokenTextEdit):
    """A view of a document. `show_document` sets the text; edits are emitted, in characters of that `MixedText`.

    Attributes:
        text_size: font size, in pixels.
        undo_actions: actions of undo and redo, for the context menu.
        fill_special_menu: fills the context menu's submenu of special tokens.
        is_command_key: returns whether a key that text fields use belongs to a command here.

    Signals:
        edited(int, int, str, bool, object): emitted with start, end, replacement, whether it was typed, and the names
            of the special tokens in the replacement, a tuple.
        touched(): emitted when an input method begins to compose.
        undo_wanted(), redo_wanted(): emitted when their keys are pressed.
        zoomed(int): emitted to make the text larger (1) or smaller (-1).
        files_given(object): emitted with the paths of files that were dropped or pasted.
        column_moved(): emitted when `column` changes.
        token_wanted(int, object): emitted with a character and a place of the screen, to show the card of its token.
    """

    edited = Signal(int, int, str, bool, object)
    touched = Signal()
    undo_wanted = Signal()
    redo_wanted = Signal()
    zoomed = Signal(int)
    files_given = Signal(object)
    column_moved = Signal()
    token_wanted = Signal(int, object)

    def __init__(self, theme: Theme, text_size: int, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._shown = ShownText()
        self._showing = False
        self._top = BANNER_HEIGHT  # of the text while nothing is scrolled
        self.undo_actions: tuple[QAction, ...] = ()
        self.fill_special_menu: Callable[[QMenu], object] | None = None
        self.is_command_key: Callable[[QKeyEvent], bool] = lambda event: False
        self.text_size = text_size
        self.setObjectName("editor")
        self.setAccessibleName("Text")
        self.describe("", "What you write, and what the model writes after it.")
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
        return self._shown.text

    @property
    def places(self) -> ShownText:
        """Converts between places of the text and of the widget."""
        return self._shown

    @property
    def soft_breaks(self) -> list[int]:
        """As in `ShownText`."""
        return self._shown.soft_breaks

    @property
    def selection(self) -> tuple[int, int]:
        """Start and end of the selection, in characters; both are the caret's place where nothing is selected."""
        cursor = self.textCursor()
        return self._shown.index(cursor.selectionStart()), self._shown.index(cursor.selectionEnd())

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

    def show_document(
        self, mixed: MixedText | str, generated: list[tuple[int, int]], newest: int | None = None
    ) -> None:
        """Shows a text, changing only what differs, and marks the ``generated`` spans.

        At the end of the text the view follows it while it grows; elsewhere nothing scrolls.

        Args:
            mixed: text of the document.
            generated: start and end of each generated span, in characters.
            newest: where the newest generation begins; by default all of the text is tinted.
        """
        mixed = MixedText(mixed) if isinstance(mixed, str) else mixed
        if mixed != self._shown.mixed:
            self._put(*view_text.mixed_difference(self._shown.mixed, mixed), mixed)
            self.follow()
        shown = self._shown
        places = iter(shown.positions(place for span in generated for place in span))
        self.mark(list(zip(places, places, strict=True)), shown.position(newest) if newest else 0, self.line_height())

    def show_place(self, index: int) -> None:
        """Puts the cursor before the character at ``index`` and scrolls there."""
        cursor = self.textCursor()
        cursor.setPosition(min(self._shown.position(index), self._shown.length))
        self.setTextCursor(cursor)
        self.show_cursor()

    def column(self) -> QRect:
        """Rectangle of the text while nothing is scrolled, in pixels of this widget."""
        side = self.viewportMargins().left() + _MARGIN
        return QRect(side, self._top, self.width() - 2 * side, self.height() - self._top - _MARGIN)

    def give_way(self, height: int) -> None:
        """Moves the viewport below a banner that covers so many pixels, by what is more than is free anyway."""
        self._top, self.covered = max(BANNER_HEIGHT, height), min(BANNER_HEIGHT, height)
        self._center_column()

    def below(self, index: int) -> QPoint:
        """The place under the character at ``index``, in pixels of the screen."""
        cursor = self.textCursor()
        cursor.setPosition(self._shown.position(index))
        return self.viewport().mapToGlobal(self.cursorRect(cursor).bottomLeft())

    def letters_top(self) -> int:
        """Top of the first line of an empty text, in pixels of this widget."""
        block = self.document().firstBlock()
        self.document().documentLayout().blockBoundingRect(block)  # lays it out
        layout = block.layout()
        return self._top + (round(layout.lineAt(0).y()) if layout.lineCount() else 0)

    def line_height(self) -> int:
        """Distance of two lines, in pixels."""
        return round(self.text_size * _LINE_HEIGHT)

    def replace_selection(self, text: str | MixedText) -> None:
        """Replaces the selection by ``text``, as pasting does."""
        self._tell(*self.selection, MixedText(clean(text)) if isinstance(text, str) else clean_mixed(text))

    def _tell(self, start: int, end: int, mixed: MixedText) -> None:
        """Emits an edit; the document applies it and calls `show_document`."""
        with self.person_at_work():
            self.edited.emit(start, end, mixed.text, False, mixed.names)
            self.show_place(start + len(mixed))

    def _put(self, start: int, old_end: int, new_end: int, mixed: MixedText) -> None:
        """Makes the widget show ``mixed``, which differs from the shown text between these indexes."""
        self._showing = True
        first, last = self._shown.position(start), self._shown.position(old_end)
        cursor = QTextCursor(self.document())
        cursor.setPosition(first)
        new = mixed[start:new_end]
        pieces = view_text.softened(new.text, cursor.positionInBlock())
        cursor.setPosition(last, QTextCursor.MoveMode.KeepAnchor)
        with self.putting_text(first):
            cursor.beginEditBlock()
            cursor.removeSelectedText()
            insert_mixed(cursor, view_text.joined("\u2029".join(pieces)), new.names)
            cursor.endEditBlock()
        self._remember(mixed, first, last - first, cursor.position() - first)
        self._shown.add_soft_breaks(first, pieces)
        self._showing = False

    def _remember(self, mixed: MixedText, position: int, removed: int, added: int) -> None:
        """Records that ``mixed`` is shown after an edit at ``position``, in Qt's units."""
        length = self.document().characterCount() - 1  # Qt counts the end of the text, too
        self._shown.record(mixed, position, removed, added, length)

    def _on_contents_change(self, position: int, removed: int, added: int) -> None:
        """Emits the person's edit, which may be smaller than the range that Qt reports."""
        if self._showing:
            return
        shown = self._shown
        length = self.document().characterCount() - 1
        removed, added = min(removed, shown.length - position), min(added, length - position)
        assert shown.length - removed == length - added, "Qt reports ranges that fit together"
        old_start, old_end = shown.index(position), shown.index(position + removed)
        read = self.read(position, position + added)
        old, new = view_text.letters(shown.mixed[old_start:old_end]), view_text.letters(read)
        shorter = min(len(old), len(new))
        before = next((i for i in range(shorter) if not view_text.same_in_view(old[i], new[i])), shorter)
        shorter -= before
        after = next((i for i in range(shorter) if not view_text.same_in_view(old[-1 - i], new[-1 - i])), shorter)
        start, end, inserted = old_start + before, old_end - after, read[before : len(read) - after]
        self._remember(shown.mixed[:start] + inserted + shown.mixed[end:], position, removed, added)
        if start < end or inserted:
            self.edited.emit(start, end, inserted.text, len(inserted) + end - start == 1, inserted.names)

    def _center_column(self) -> None:
        """Limits the column of text to a readable width, in the middle of the widget."""
        bar = self.verticalScrollBar().sizeHint().width()
        side = max(bar, (self.width() - _COLUMN * self.text_size) // 2 - _MARGIN)
        self.setViewportMargins(side, self._top - BANNER_HEIGHT, side - bar, 0)
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
        shown = self._shown
        place = shown.index(self.cursorForPosition(event.position().toPoint()).position())
        start = shown.text.rfind("\n", 0, place) + 1
        end = shown.text.find("\n", place)
        cursor.setPosition(shown.position(start))
        cursor.setPosition(shown.position(end) if end >= 0 else shown.length, QTextCursor.MoveMode.KeepAnchor)
        with self.person_at_work():
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
        elif mixed := mixed_of(source):
            self.replace_selection(mixed)

    def createMimeDataFromSelection(self) -> QMimeData:
        return data_of(self._shown.mixed[slice(*self.selection)])

    def dropEvent(self, event: QDropEvent) -> None:
        """Inserts what is dropped as pasting would; text dragged within the editor is moved."""
        self.dragLeaveEvent(QDragLeaveEvent())
        if files := files_of(event.mimeData()):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            self.files_given.emit(files)
            return
        target = self._shown.index(self.cursorForPosition(event.position().toPoint()).position())
        mixed = clean_mixed(mixed_of(event.mimeData()))
        if event.source() is self and event.dropAction() == Qt.DropAction.MoveAction:
            start, end = self.selection
            event.setDropAction(Qt.DropAction.CopyAction)  # else Qt would remove the selection once more
            if start <= target <= end:
                return
            self._tell(start, end, MixedText())
            target -= end - start if target > end else 0
        self._tell(target, target, mixed)
        event.accept()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = text_menu(self, self.undo_actions, self.fill_special_menu)
        index = self._shown.index(self.cursorForPosition(event.pos()).position())
        menu.addSeparator()
        menu.addAction("Token card", lambda: self.token_wanted.emit(index, event.globalPos()))
        menu.exec(event.globalPos())
        menu.deleteLater()
