"""Paints the tokens behind the text: colours, borders and ids, of the visible lines alone."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from PySide6.QtCore import QPointF, QRect, QRectF
from PySide6.QtGui import QBrush, QColor, QFontMetricsF, QPainter, QTextBlock, QTextLine

from gptdesk.coloured_text.ramps import ramp
from gptdesk.ui.fonts import interface_font
from gptdesk.ui.playground.editing.editor import Editor
from gptdesk.ui.playground.editing.generated_marks import ABOVE, BELOW
from gptdesk.ui.playground.editing.visible_lines import visible_lines, x_of
from gptdesk.ui.playground.tokens.measures import MEASURES, Measure
from gptdesk.ui.playground.tokens.token_table import TokenTable
from gptdesk.ui.theme import Theme

UNDERLINE: Final = 1.5
"""Height of the line under generated tokens, in pixels."""

_LINE_END_WIDTH: Final = 0.4
"""Width of the mark of a token that ends a line, as a multiple of the font size."""

_ID_SIZE: Final = 0.48
"""Size of ids, as a multiple of the font size."""

_SMALLEST_ID: Final = 8
"""Least size of ids, in pixels."""


class _Line(NamedTuple):
    """A visible line; places in Qt's positions, distances in pixels of the document.

    Attributes:
        line: of the widget.
        block: place of its paragraph.
        start, end: of the line.
        ends_block: whether the paragraph ends behind it, with a line end that has no width.
        left: of its paragraph.
        right: of its letters, from ``left``.
        baseline: from the top of the document.
    """

    line: QTextLine
    block: int
    start: int
    end: int
    ends_block: bool
    left: float
    right: float
    baseline: float


class TokenLayer:
    """The tokens of an editor's text, those that a model generated underlined.

    Attributes:
        table: the tokens.
        measure: what they are coloured by.
        borders: whether a line separates neighbours.
        ids: whether the ids stand below the tokens, where they have room.
    """

    def __init__(self, editor: Editor, theme: Theme) -> None:
        self._editor, self._theme = editor, theme
        self.table = TokenTable()
        self.measure: Measure = next(iter(MEASURES.values()))
        self.borders = self.ids = False

    def paint(self, painter: QPainter, visible: QRect) -> None:
        """Paints what is visible.

        Args:
            painter: is translated so that the document's origin is where it appears.
            visible: in the coordinates of the viewport.
        """
        lines = [
            _line(block, line, box) for block, box, line in visible_lines(self._editor.document(), painter, visible)
        ]
        if not lines:
            return
        shown = self._editor.places
        chosen = self.table.between(shown.index(lines[0].start), shown.index(lines[-1].end) + 1)
        starts = shown.positions(self.table.starts[chosen.start : chosen.stop])
        ends = shown.positions(self.table.ends[chosen.start : chosen.stop])
        brushes, generated, accent = self.brushes(), self._editor.generated, QColor(self._theme.colours.accent)
        steps = [self.measure.step(self.table.figures(index)) for index in chosen]
        boxes: list[tuple[QRectF, int]] = []
        first = 0  # of the tokens that may be in the line
        for line in lines:
            while first < len(ends) and ends[first] <= line.start:
                first += 1
            for index, box in _boxes(line, starts, ends, first, self._editor.text_size):
                boxes.append((box, chosen.start + index))
                if steps[index]:
                    painter.fillRect(box, brushes[steps[index]])
                if is_inside(starts[index], generated):
                    below = QRectF(box.left(), box.bottom() - UNDERLINE, box.width(), UNDERLINE)
                    painter.fillRect(below, accent)
        if self.borders or self.ids:
            self._paint_details(painter, boxes)

    def brushes(self) -> list[QBrush]:
        """One for each step of the measure in the theme in force."""
        return [QBrush(QColor(colour)) for colour in colours_of(self.measure, self._theme)]

    def _paint_details(self, painter: QPainter, boxes: list[tuple[QRectF, int]]) -> None:
        """Paints borders and ids over all backgrounds: an id reaches into the next line."""
        font = interface_font()
        font.setPixelSize(max(_SMALLEST_ID, round(_ID_SIZE * self._editor.text_size)))
        metrics = QFontMetricsF(font)
        painter.setFont(font)
        painter.setPen(QColor(self._theme.colours.muted))
        colour = QColor(self._theme.colours.muted)
        for box, index in boxes:
            if self.borders:
                painter.fillRect(QRectF(box.left(), box.top(), 1, box.height()), colour)
            id = str(self.table.ids[index])
            if self.ids and metrics.horizontalAdvance(id) <= box.width() + 1:
                painter.drawText(QPointF(box.left() + 1, box.bottom() + metrics.capHeight() + 1), id)


def is_inside(place: int, spans: Sequence[tuple[int, int]]) -> bool:
    """Whether one of the ``spans``, which ascend, holds a place."""
    number = bisect.bisect_right(spans, place, key=lambda span: span[1])
    return number < len(spans) and spans[number][0] <= place


def _line(block: QTextBlock, line: QTextLine, box: QRectF) -> _Line:
    """A line of a paragraph, whose rectangle is ``box``."""
    place, last = block.position(), block.position() + block.length() - 1
    start = place + line.textStart()
    end = min(start + line.textLength(), last)
    right = line.naturalTextRect().right()
    return _Line(line, place, start, end, end == last, box.left(), right, box.top() + line.y() + line.ascent())


def _boxes(line: _Line, starts: list[int], ends: list[int], first: int, size: int) -> Iterator[tuple[int, QRectF]]:
    """Indexes and rectangles of the tokens that are in a line.

    Args:
        line: of the text.
        starts, ends: of the tokens, in Qt's positions.
        first: index of the first token that may be in the line.
        size: of the font, in pixels.
    """
    edge, reached = 0.0, -1  # right edge of the last token, and where it ends
    top, height = line.baseline - ABOVE * size, (ABOVE + BELOW) * size
    for index in range(first, len(starts)):
        start, end = starts[index], ends[index]
        if start > line.end:
            return
        at_end = line.ends_block and start <= line.end < end
        start, end = max(start, line.start), min(end, line.end)
        if start >= end and not at_end:
            continue
        left = edge if start == reached else min(x_of(line.line, start - line.block), line.right)
        edge = min(x_of(line.line, end - line.block), line.right) if end > start else left
        reached = end
        width = edge - left + (_LINE_END_WIDTH * size if at_end else 0.0)
        yield index, QRectF(line.left + left, top, width, height)


def colours_of(measure: Measure, theme: Theme) -> tuple[str, ...]:
    """The ramp of a measure in the theme in force."""
    return ramp(theme.colours.surface, measure.dark if theme.dark else measure.light)
