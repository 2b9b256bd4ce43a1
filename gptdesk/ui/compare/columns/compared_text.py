"""A read-only text whose tokens have colours; says at which character the caret or the pointer is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from PySide6.QtCore import QEvent, Qt, Signal, Slot
from PySide6.QtGui import QColor, QHelpEvent, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QTextEdit, QToolTip, QWidget

from gptdesk.ui.fonts import prose_font
from gptdesk.ui.widgets.tooltips import wrapped

_SHOWN_AS: Final = str.maketrans({
    "\r": " ", "\0": "\ufffd", "\u2028": "\n", "\u2029": "\n", "\ufdd0": "\ufffd", "\ufdd1": "\ufffd",
})  # fmt: skip
"""Characters with a meaning of their own in a text widget, each by another one, so that places stay the same."""


class Mark(NamedTuple):
    """How some characters are shown.

    Attributes:
        start, end: characters of the text.
        colour: behind them, as ``#rrggbb``; "" for none.
        line: colour of a line under them; "" for none.
    """

    start: int
    end: int
    colour: str
    line: str = ""


class ComparedText(QTextEdit):
    """The text of a column.

    Attributes:
        tip: returns what the tooltip says of a character, by its index.

    Signals:
        pointed(int): emitted with the index of the character at the caret when the person moves it.
        selected(int, int): emitted with start and end of the selection, in characters, when the person changes it.
    """

    pointed = Signal(int)
    selected = Signal(int, int)

    def __init__(self, name: str, pixels: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "compared")
        self.setAccessibleName(name)
        self.setReadOnly(True)
        self.setUndoRedoEnabled(False)
        self.setTabChangesFocus(True)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setMinimumHeight(80)
        self.document().setDocumentMargin(10)
        self.set_text_size(pixels)
        self.tip: Callable[[int], str] = lambda _: ""
        self._text = ""
        self._is_plain = True  # each character is one unit of the widget's positions
        self._marks: Sequence[Mark] = ()
        self._is_quiet = False
        self.cursorPositionChanged.connect(self._on_caret)
        self.selectionChanged.connect(self._on_selection)

    @property
    def text(self) -> str:
        """What is shown."""
        return self._text

    def set_text_size(self, pixels: int) -> None:
        self.setFont(prose_font(pixels))

    def show_text(self, text: str, marks: Sequence[Mark] = ()) -> None:
        """Shows a text with its marks; what follows the text that is shown is added to it."""
        if text != self._text:
            before, self._is_quiet = self._text, True
            self._text, self._is_plain = text, text.isascii() or max(text) <= "\uffff"
            shown = text.translate(_SHOWN_AS)
            if before and text.startswith(before):
                self._add(shown[len(before) :])
            else:
                self.setPlainText(shown)
            self._is_quiet = False
        if marks != self._marks:
            self._marks = marks
            self.setExtraSelections([self._selection(mark) for mark in marks])

    def select(self, start: int, end: int) -> None:
        """Selects characters without telling; what is behind the end of the text cannot be selected."""
        cursor = self.textCursor()
        cursor.setPosition(self._position(start))
        cursor.setPosition(self._position(end), QTextCursor.MoveMode.KeepAnchor)
        self._is_quiet = True
        bar = self.verticalScrollBar()
        before = bar.value()
        self.setTextCursor(cursor)
        bar.setValue(before)
        self._is_quiet = False

    def character_at(self, position: int) -> int:
        """Index of the character at a position of the widget."""
        if self._is_plain:
            return min(position, len(self._text))
        return len(self._text.encode("utf-16-le")[: 2 * position].decode("utf-16-le", "ignore"))

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            at = event.pos()
            at.setX(at.x() + self.horizontalScrollBar().value())
            at.setY(at.y() + self.verticalScrollBar().value())
            position = self.document().documentLayout().hitTest(at.toPointF(), Qt.HitTestAccuracy.ExactHit)
            words = self.tip(self.character_at(position)) if position >= 0 else ""
            if words:
                QToolTip.showText(event.globalPos(), wrapped(words), self)
            else:
                QToolTip.hideText()
            return True
        return super().viewportEvent(event)

    def _add(self, text: str) -> None:
        bar = self.verticalScrollBar()
        is_at_end = bar.value() == bar.maximum()
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.insertText(text)
        if is_at_end:
            bar.setValue(bar.maximum())

    def _position(self, character: int) -> int:
        if self._is_plain:
            return min(character, len(self._text))
        return len(self._text[:character].encode("utf-16-le")) // 2

    def _selection(self, mark: Mark) -> QTextEdit.ExtraSelection:
        selection = QTextEdit.ExtraSelection()
        cursor = QTextCursor(self.document())
        cursor.setPosition(self._position(mark.start))
        cursor.setPosition(self._position(mark.end), QTextCursor.MoveMode.KeepAnchor)
        form = QTextCharFormat()
        if mark.colour:
            form.setBackground(QColor(mark.colour))
        if mark.line:
            form.setUnderlineStyle(QTextCharFormat.UnderlineStyle.SingleUnderline)
            form.setUnderlineColor(QColor(mark.line))
        selection.cursor, selection.format = cursor, form
        return selection

    @Slot()
    def _on_caret(self) -> None:
        if not self._is_quiet:
            self.pointed.emit(self.character_at(self.textCursor().selectionStart()))

    @Slot()
    def _on_selection(self) -> None:
        if not self._is_quiet:
            cursor = self.textCursor()
            self.selected.emit(self.character_at(cursor.selectionStart()), self.character_at(cursor.selectionEnd()))
