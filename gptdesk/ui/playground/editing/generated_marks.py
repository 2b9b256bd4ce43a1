"""Marks of generated text: a tint behind the newest generation and a bar in the margin beside all of them."""

from __future__ import annotations

import bisect
from typing import Final

import msgspec
from msgspec.structs import replace
from PySide6.QtCore import QRect, QRectF
from PySide6.QtGui import QColor, QPainter, QTextBlock, QTextDocument, QTextLine

from gptdesk.ui.palette import Colours
from gptdesk.ui.playground.editing.visible_lines import visible_lines, x_of
from gptdesk.ui.stylesheet import mix

ABOVE: Final = 0.98
BELOW: Final = 0.38
"""Extent of the tint above and below the baseline, as multiples of the font size."""

_BAR_ABOVE: Final = 1.1
"""Extent of the bar above the baseline; it is as high as the line, so that bars of lines join."""

_GAP: Final = 18
"""From the text to the bar in the margin, in pixels."""

_WIDE: Final = 3
_NARROW: Final = 2
"""Width of the bar beside the newest generation and beside older ones, in pixels."""


class MarkedText(msgspec.Struct, frozen=True, kw_only=True):
    """The marks, in positions of the text widget.

    Attributes:
        spans: start and end of each generated span, in order.
        newest: where the newest generation begins; generated text after it is tinted. ``None``: nothing is.
        line_height: distance of two lines, in pixels.
    """

    spans: list[tuple[int, int]]
    newest: int | None
    line_height: int


def older_bar(colours: Colours) -> str:
    """Colour of the bar beside older generations."""
    return mix(colours.accent, colours.surface, 0.7)


def paint_marks(
    painter: QPainter, document: QTextDocument, marked: MarkedText, visible: QRect, colours: Colours
) -> None:
    """Paints the marks of the visible lines, in coordinates of the document.

    Args:
        painter: is translated so that the document's origin is where it appears.
        document: laid out already.
        marked: what is marked.
        visible: in the coordinates of the widget before the painter was translated.
        colours: of the theme in force.
    """
    number, of_block = -1, marked
    for block, box, line in visible_lines(document, painter, visible):
        if block.blockNumber() != number:
            number, of_block = block.blockNumber(), replace(marked, spans=_spans_in(block, marked.spans))
        if of_block.spans:
            _paint_line(painter, block, box, line, of_block, colours)


def _spans_in(block: QTextBlock, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans that overlap ``block``."""
    first = bisect.bisect_right(spans, block.position(), key=lambda span: span[1])
    last = bisect.bisect_left(spans, block.position() + block.length(), key=lambda span: span[0])
    return spans[first:last]


def _paint_line(
    painter: QPainter, block: QTextBlock, box: QRectF, line: QTextLine, marked: MarkedText, colours: Colours
) -> None:
    size = block.layout().font().pixelSize()
    baseline = box.top() + line.y() + line.ascent()
    start = block.position() + line.textStart()
    end = min(start + line.textLength(), block.position() + block.length() - 1)
    bar = ""
    for first, last in marked.spans:
        first, last = max(first, start), min(last, end)
        if first >= last:
            continue
        tinted = marked.newest is not None and last > marked.newest
        bar = colours.accent if tinted else bar or older_bar(colours)
        if tinted and marked.newest is not None:
            left = x_of(line, max(first, marked.newest) - block.position())
            right = min(x_of(line, last - block.position()), line.naturalTextRect().right())
            rect = QRectF(box.left() + left, baseline - ABOVE * size, right - left, (ABOVE + BELOW) * size)
            painter.fillRect(rect, QColor(colours.wash))
    if bar:
        width = _WIDE if bar == colours.accent else _NARROW
        place = QRectF(box.left() - _GAP, baseline - _BAR_ABOVE * size, width, marked.line_height)
        painter.fillRect(place, QColor(bar))
