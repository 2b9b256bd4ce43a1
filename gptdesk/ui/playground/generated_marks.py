"""Marks what a model wrote: a wash behind the words and a line under them, so that colour is not the only sign."""

from __future__ import annotations

from typing import Final, cast

from PySide6.QtCore import QRect, QRectF
from PySide6.QtGui import QColor, QPainter, QTextBlock, QTextDocument, QTextLine

from gptdesk.ui.palette import Colours
from gptdesk.ui.stylesheet import mix

_RISE: Final = 2
_UNDERLINE: Final = 1


def paint_marks(
    painter: QPainter, document: QTextDocument, spans: list[tuple[int, int]], visible: QRect, colours: Colours
) -> None:
    """Paints the marks of what can be seen, in coordinates of the document.

    Args:
        painter: is translated so that the document's origin is where it appears.
        document: laid out already.
        spans: start and end in the document's positions, in order.
        visible: in the coordinates of the widget before the painter was translated.
    """
    wash, line_colour = QColor(colours.wash), QColor(mix(colours.accent, colours.wash, 0.5))
    top = visible.top() - painter.transform().dy()
    bottom = visible.bottom() - painter.transform().dy()
    layout = document.documentLayout()
    block = _block_at(document, top)
    while block.isValid():
        box = layout.blockBoundingRect(block)
        if box.top() > bottom:
            break
        for start, end in spans:
            low, high = max(start - block.position(), 0), min(end - block.position(), block.length() - 1)
            if low < high:
                _paint_in_block(painter, block, box, low, high, (wash, line_colour))
        block = block.next()


def _paint_in_block(
    painter: QPainter, block: QTextBlock, box: QRectF, low: int, high: int, colours: tuple[QColor, QColor]
) -> None:
    layout = block.layout()
    for number in range(layout.lineCount()):
        line = layout.lineAt(number)
        first, last = max(low, line.textStart()), min(high, line.textStart() + line.textLength())
        if first < last:
            _paint_in_line(painter, line, box, first, last, colours)


def _paint_in_line(
    painter: QPainter, line: QTextLine, box: QRectF, first: int, last: int, colours: tuple[QColor, QColor]
) -> None:
    wash, underline = colours
    left, right = _x(line, first), min(_x(line, last), line.naturalTextRect().right())
    baseline = box.top() + line.y() + line.ascent()
    rect = QRectF(
        box.left() + left, baseline - line.ascent() - _RISE, right - left, line.ascent() + line.descent() + 2 * _RISE
    )
    painter.fillRect(rect, wash)
    painter.fillRect(QRectF(rect.left(), rect.bottom() - _UNDERLINE, rect.width(), _UNDERLINE), underline)


def _x(line: QTextLine, position: int) -> float:
    """Left edge of the character at ``position``, within its block."""
    return cast(tuple[float, int], line.cursorToX(position))[0]  # PySide gives the position back, too


def _block_at(document: QTextDocument, y: float) -> QTextBlock:
    """The first block that reaches below ``y``, found by halving."""
    layout = document.documentLayout()
    low, high = 0, document.blockCount() - 1
    while low < high:
        middle = (low + high) // 2
        if layout.blockBoundingRect(document.findBlockByNumber(middle)).bottom() < y:
            low = middle + 1
        else:
            high = middle
    return document.findBlockByNumber(low)
