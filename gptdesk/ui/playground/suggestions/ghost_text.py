"""Paints a suggestion in grey behind the caret, wrapped as the text would be; the text itself stays as it is."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPointF, QRect
from PySide6.QtGui import QColor, QPainter, QTextLayout, QTextOption

from gptdesk.ui.playground.editing.editor import Editor
from gptdesk.ui.playground.editing.visible_lines import x_of
from gptdesk.ui.theme import Theme

_LINE_END: Final = "\N{DOWNWARDS ARROW WITH CORNER LEFTWARDS}"


class GhostText:
    """What is painted behind the caret of an editor, which stands at the end of the text."""

    def __init__(self, editor: Editor, theme: Theme) -> None:
        self._editor, self._theme = editor, theme
        self._text = ""
        editor.layers.append(self.paint)

    @property
    def text(self) -> str:
        """The words that are shown; empty for none."""
        return self._text

    def show(self, text: str) -> None:
        """Shows ``text``, or nothing for ""."""
        if text != self._text:
            self._text = text
            self._editor.viewport().update()

    def paint(self, painter: QPainter, visible: QRect) -> None:
        """Paints the words; arguments as for `MarkedTextEdit.underlay`."""
        if not self._text:
            return
        cursor = self._editor.textCursor()
        block = cursor.block()
        box = self._editor.document().documentLayout().blockBoundingRect(block)
        line = block.layout().lineForTextPosition(cursor.positionInBlock())
        if not line.isValid():
            return
        shown = self._text.replace("\n", _LINE_END)
        layout = QTextLayout(shown, self._editor.document().defaultFont())
        layout.setTextOption(_wrapped())
        ascent = _lay_out(layout, x_of(line, cursor.positionInBlock()), box.width(), self._editor.line_height())
        painter.setPen(QColor(self._theme.colours.muted))
        layout.draw(painter, QPointF(box.left(), box.top() + line.y() + line.ascent() - ascent))


def _wrapped() -> QTextOption:
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    return option


def _lay_out(layout: QTextLayout, indent: float, width: float, height: int) -> float:
    """Makes the lines: the first one begins at ``indent``. Returns the ascent of the first."""
    ascent = 0.0
    layout.beginLayout()
    number = 0
    while (line := layout.createLine()).isValid():
        left = 0.0 if number else indent
        line.setLineWidth(max(1.0, width - left))
        line.setPosition(QPointF(left, number * height))
        ascent = ascent or line.ascent()
        number += 1
    layout.endLayout()
    return ascent
