"""Special tokens in a text widget: each is one character, drawn as a box with its name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSizeF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QHelpEvent,
    QPainter,
    QPen,
    QPyTextObject,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
)
from PySide6.QtWidgets import QApplication, QToolTip, QWidget

from gptdesk.gpt2.mixed_text import PLACEHOLDER, MixedText
from gptdesk.store.runs import clean
from gptdesk.ui.playground.editing import view_text
from gptdesk.ui.playground.editing.marked_text_edit import MarkedTextEdit
from gptdesk.ui.stylesheet import mix
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.announcing import announce
from gptdesk.ui.widgets.tooltips import wrapped

_OBJECT: Final = QTextFormat.ObjectTypes.UserObject.value + 1
_NAME: Final = QTextFormat.Property.UserProperty.value + 1

_LETTERS: Final = 0.72
_HEIGHT: Final = 1.2
_PADDING: Final = 0.35
_WIDEST: Final = 24
"""Sizes of letters and boxes, as multiples of the font size of the text."""

_HINTED: Final = 1.03
"""Letters that are drawn on whole pixels are up to this much wider than measured."""

_GAP: Final = 1
"""Between the box and the letters beside it, in pixels."""


class SpecialTokenTextEdit(MarkedTextEdit):
    """A text widget that can hold special tokens. Their names are shown, in tooltips too, and read to screen readers.

    Attributes:
        known: names of the special tokens that the model has; ``None`` while that is not known. Others look different.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.known: frozenset[str] | None = None
        self._caret = 0
        self._painter = _Painter(self, theme)
        self.document().documentLayout().registerHandler(_OBJECT, self._painter)
        self.cursorPositionChanged.connect(self._on_caret_moved)

    def show_known(self, names: frozenset[str] | None) -> None:
        """Sets ``known``."""
        if names != self.known:
            self.known = names
            self.viewport().update()

    def name_at(self, position: int) -> str:
        """Name of the special token at one of Qt's positions; "" for other characters."""
        if self.document().characterAt(position) != PLACEHOLDER:
            return ""
        cursor = QTextCursor(self.document())
        cursor.setPosition(position + 1)
        return _name_of(cursor.charFormat())

    def read(self, start: int, end: int) -> MixedText:
        """The text between two of Qt's positions; every break of a line or paragraph is a line end."""
        cursor = QTextCursor(self.document())
        cursor.setPosition(start)
        cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
        held = cursor.selectedText()
        if PLACEHOLDER not in held:
            return MixedText(clean(held))
        first, *rest = held.split(PLACEHOLDER)
        plain, names = [clean(first)], []
        position = start + view_text.units(first)
        for part in rest:
            if name := self.name_at(position):
                names.append(name)
                plain.append(clean(part))
            else:  # a character that an input method or a key put there
                plain[-1] += clean(PLACEHOLDER + part)
            position += 1 + view_text.units(part)
        return MixedText(PLACEHOLDER.join(plain), tuple(names))

    def viewportEvent(self, event: QEvent) -> bool:
        help = self.help_at(event.pos()) if isinstance(event, QHelpEvent) else ""
        if help and event.type() == QEvent.Type.ToolTip:
            assert isinstance(event, QHelpEvent)
            QToolTip.showText(event.globalPos(), wrapped(help), self)
            return True
        return super().viewportEvent(event)

    def help_at(self, place: QPoint) -> str:
        """Tooltip of the special token at a place of the viewport; "" elsewhere."""
        nearest = self.cursorForPosition(place).position()
        for position in (nearest - 1, nearest):
            if name := self.name_at(position):
                left, right = self._caret_at(position), self._caret_at(position + 1)
                if QRect(left.topLeft(), right.bottomRight()).contains(place):
                    return self._described(name)
        return ""

    def _described(self, name: str) -> str:
        if self.known is not None and name not in self.known:
            return f"{name}: the model in use has no such special token and reads it as text"
        return f"{name}: a special token, which is not the same as the text of its name"

    def _on_caret_moved(self) -> None:
        """Announces a special token that the caret passes: the widget's accessible text has no name for it."""
        before, self._caret = self._caret, self.textCursor().position()
        if abs(before - self._caret) == 1 and self.hasFocus() and (name := self.name_at(min(before, self._caret))):
            announce(self, f"special token {shown_name(name)}")


def insert_mixed(cursor: QTextCursor, text: str, names: Sequence[str]) -> None:
    """Inserts ``text``, in which a placeholder stands for each special token of ``names``."""
    first, *rest = text.split(PLACEHOLDER)
    if first or not rest:
        cursor.insertText(first, QTextCharFormat())
    for name, part in zip(names, rest, strict=True):
        cursor.insertText(PLACEHOLDER, _format_of(name))
        if part:
            cursor.insertText(part, QTextCharFormat())


def shown_name(name: str) -> str:
    """A name in which spaces can be seen."""
    return name.replace(" ", "␣")


def _format_of(name: str) -> QTextCharFormat:
    made = QTextCharFormat()
    made.setObjectType(_OBJECT)
    made.setProperty(_NAME, name)
    made.setVerticalAlignment(QTextCharFormat.VerticalAlignment.AlignMiddle)
    return made


def _name_of(format: QTextFormat) -> str:
    return str(format.property(_NAME) or "") if format.objectType() == _OBJECT else ""


class _Painter(QPyTextObject):
    """Draws the boxes."""

    def __init__(self, edit: SpecialTokenTextEdit, theme: Theme) -> None:
        super().__init__(edit)
        self._edit, self._theme = edit, theme

    def intrinsicSize(self, document: QTextDocument, position: int, format: QTextFormat) -> QSizeF:
        size = document.defaultFont().pixelSize()
        metrics = QFontMetricsF(_font(size))
        letters = _HINTED * metrics.horizontalAdvance(_elided(metrics, _name_of(format), size))
        return QSizeF(letters + 2 * (_PADDING * size + _GAP), _HEIGHT * size)

    def drawObject(
        self, painter: QPainter, rect: QRectF | QRect, document: QTextDocument, position: int, format: QTextFormat
    ) -> None:
        size, name, colours = document.defaultFont().pixelSize(), _name_of(format), self._theme.colours
        cursor = self._edit.textCursor()
        selected = cursor.selectionStart() <= position < cursor.selectionEnd()
        unknown = self._edit.known is not None and name not in self._edit.known
        ink = QColor(colours.text if selected else colours.warn if unknown else colours.muted)
        border = QPen(ink if unknown else QColor(mix(colours.muted, colours.surface, 0.6)))
        border.setStyle(Qt.PenStyle.DashLine if unknown else Qt.PenStyle.SolidLine)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(border)
        painter.setBrush(QColor(colours.background) if not selected else Qt.BrushStyle.NoBrush)
        box = QRectF(rect).adjusted(_GAP + 0.5, 0.5, -_GAP - 0.5, -0.5)
        painter.drawRoundedRect(box, size / 4, size / 4)
        font = _font(size)
        painter.setFont(font)
        painter.setPen(ink)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, _elided(QFontMetricsF(font), name, size))
        painter.restore()


def _font(size: int) -> QFont:
    font = QFont(QApplication.font())
    font.setPixelSize(max(9, round(_LETTERS * size)))
    return font


def _elided(metrics: QFontMetricsF, name: str, size: int) -> str:
    return metrics.elidedText(shown_name(name), Qt.TextElideMode.ElideMiddle, _WIDEST * size)
