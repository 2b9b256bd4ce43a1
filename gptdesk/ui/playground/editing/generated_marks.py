"""Marks of generated text: a tint behind the newest generation and a bar in the margin beside all of them."""

from __future__ import annotations

import bisect
from typing import Final, NamedTuple

import msgspec
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
    tint, inks = QColor(colours.wash), (QColor(older_bar(colours)), QColor(colours.accent))
    known: _Paragraph | None = None
    for block, box, line in visible_lines(document, painter, visible):
        if known is None or known.box is not box:
            known = _Paragraph.of(block, box, marked)
        if known.spans:
            _paint_line(painter, known, line, marked, tint, inks)


class _Paragraph(NamedTuple):
    """A paragraph that is painted: what Qt is asked for once, because each question lets go of Python's lock.

    Attributes:
        box: rectangle, in coordinates of the document.
        start, end: positions of its first letter and behind its last.
        spans: the marked ones that overlap it.
        size: of the font, in pixels.
    """

    box: QRectF
    start: int
    end: int
    spans: list[tuple[int, int]]
    size: int

    @classmethod
    def of(cls, block: QTextBlock, box: QRectF, marked: MarkedText) -> _Paragraph:
        start = block.position()
        end = start + block.length() - 1
        first = bisect.bisect_right(marked.spans, start, key=lambda span: span[1])
        last = bisect.bisect_left(marked.spans, end + 1, key=lambda span: span[0])
        return cls(box, start, end, marked.spans[first:last], block.layout().font().pixelSize())


def _paint_line(
    painter: QPainter,
    paragraph: _Paragraph,
    line: QTextLine,
    marked: MarkedText,
    tint: QColor,
    inks: tuple[QColor, QColor],
) -> None:
    """Paints the marks of a line; ``inks`` are the colours of the bar beside older generations and the newest."""
    size, side, baseline = paragraph.size, paragraph.box.left(), paragraph.box.top() + line.y() + line.ascent()
    start = paragraph.start + line.textStart()
    end = min(start + line.textLength(), paragraph.end)
    bar = is_newest = False
    for first, last in paragraph.spans:
        first, last = max(first, start), min(last, end)
        if first >= last:
            continue
        tinted = marked.newest is not None and last > marked.newest
        bar, is_newest = True, is_newest or tinted
        if tinted and marked.newest is not None:
            left, right = _extent(line, max(first, marked.newest), last, (start, end), paragraph.start)
            rect = QRectF(side + left, baseline - ABOVE * size, right - left, (ABOVE + BELOW) * size)
            painter.fillRect(rect, tint)
    if bar:
        width = _WIDE if is_newest else _NARROW
        place = QRectF(side - _GAP, baseline - _BAR_ABOVE * size, width, marked.line_height)
        painter.fillRect(place, inks[is_newest])


def _extent(line: QTextLine, first: int, last: int, whole: tuple[int, int], start: int) -> tuple[float, float]:
    """Left and right edge of a part of a line, without the space at its end; ``whole`` is all of it, ``start`` where
    its paragraph begins."""
    letters = line.naturalTextRect()
    if (first, last) == whole:
        return letters.left(), letters.right()
    return x_of(line, first - start), min(x_of(line, last - start), letters.right())
