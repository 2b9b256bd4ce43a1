"""The lines of a text that are visible, found without a look at the others, and places in a line."""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from typing import NamedTuple, cast

from PySide6.QtCore import QRect, QRectF
from PySide6.QtGui import QPainter, QTextBlock, QTextDocument, QTextLine


class VisibleLine(NamedTuple):
    """A line that is at least partly visible.

    Attributes:
        block: its paragraph.
        box: rectangle of the paragraph, in coordinates of the document.
        line: of the layout of the paragraph.
    """

    block: QTextBlock
    box: QRectF
    line: QTextLine


def visible_lines(document: QTextDocument, painter: QPainter, visible: QRect) -> Iterator[VisibleLine]:
    """The visible lines of a document that was laid out, from the top.

    Args:
        painter: is translated so that the document's origin is where it appears.
        visible: in the coordinates of the widget before the painter was translated.
    """
    top = visible.top() - painter.transform().dy()
    bottom = visible.bottom() - painter.transform().dy()
    layout = document.documentLayout()
    block = _block_at(document, top)
    while block.isValid():
        box = layout.blockBoundingRect(block)
        if box.top() > bottom:
            return
        lines = block.layout()
        count = lines.lineCount()
        for number in range(_line_at(block, top - box.top()), count):
            line = lines.lineAt(number)
            if box.top() + line.y() > bottom:
                return
            yield VisibleLine(block, box, line)
        block = block.next()


def x_of(line: QTextLine, position: int) -> float:
    """Left edge of the character at ``position``, within its block."""
    return cast(tuple[float, int], line.cursorToX(position))[0]  # PySide gives the position back, too


def _block_at(document: QTextDocument, y: float) -> QTextBlock:
    """The first block that ends below ``y``."""
    layout = document.documentLayout()

    def bottom(number: int) -> float:
        return layout.blockBoundingRect(document.findBlockByNumber(number)).bottom()

    return document.findBlockByNumber(bisect.bisect_left(range(document.blockCount() - 1), y, key=bottom))


def _line_at(block: QTextBlock, y: float) -> int:
    """Number of the first line that ends below ``y``, from the top of the block."""
    layout = block.layout()

    def bottom(number: int) -> float:
        line = layout.lineAt(number)
        return line.y() + line.height()

    return bisect.bisect_left(range(layout.lineCount()), y, key=bottom)
