"""Paints the tokens behind the text: colours, borders and ids, of the visible lines alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from PySide6.QtCore import QPointF, QRect, QRectF
from PySide6.QtGui import QBrush, QColor, QFontMetricsF, QPainter, QTextBlock, QTextLine

from gptdesk.ui.fonts import interface_font
from gptdesk.ui.playground.editing.editor import Editor
from gptdesk.ui.playground.editing.generated_marks import ABOVE, BELOW, block_at, x_of
from gptdesk.ui.playground.tokens.measures import MEASURES, Measure
from gptdesk.ui.playground.tokens.ramps import ramp
from gptdesk.ui.playground.tokens.token_table import TokenTable
from gptdesk.ui.theme import Theme

_LINE_END_WIDTH: Final = 0.4
"""Width of the mark of a token that ends a line, as a multiple of the font size."""

_ID_SIZE: Final = 0.48
"""Size of ids, as a multiple of the font size."""

_SMALLEST_ID: Final = 8
"""Least size of ids, in pixels."""


class _Line(NamedTuple):
    """A visible line; places in Qt's positions, distances in pixels of the document."""

    block: QTextBlock
    line: QTextLine
    left: float
    baseline: float
    start: int
    end: int


class TokenLayer:
    """The tokens of an editor's text.

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
        lines = list(self._visible_lines(painter, visible))
        if not lines:
            return
        shown = self._editor.places
        chosen = self.table.between(shown.index(lines[0].start), shown.index(lines[-1].end) + 1)
        starts = shown.positions(self.table.starts[chosen.start : chosen.stop])
        ends = shown.positions(self.table.ends[chosen.start : chosen.stop])
        brushes = self.brushes()
        steps = [self.measure.step(self.table.figures(index)) for index in chosen]
        boxes: list[tuple[QRectF, int]] = []
        first = 0  # of the tokens that may be in the line
        for line in lines:
            while first < len(ends) and ends[first] <= line.start:
                first += 1
            index = first
            while index < len(starts) and starts[index] <= line.end:
                box = self._box(line, starts[index], ends[index])
                if box is not None:
                    boxes.append((box, chosen.start + index))
                    if steps[index]:
                        painter.fillRect(box, brushes[steps[index]])
                index += 1
        if self.borders or self.ids:
            self._paint_details(painter, boxes)

    def brushes(self) -> list[QBrush]:
        """One for each step of the measure in the theme in force."""
        return [QBrush(QColor(colour)) for colour in colours_of(self.measure, self._theme)]

    def _visible_lines(self, painter: QPainter, visible: QRect) -> Iterator[_Line]:
        top = visible.top() - painter.transform().dy()
        bottom = visible.bottom() - painter.transform().dy()
        document = self._editor.document()
        layout = document.documentLayout()
        block = block_at(document, top)
        while block.isValid():
            box = layout.blockBoundingRect(block)
            if box.top() > bottom:
                return
            for number in range(block.layout().lineCount()):
                line = block.layout().lineAt(number)
                if box.top() + line.y() + line.height() < top:
                    continue
                if box.top() + line.y() > bottom:
                    return
                start = block.position() + line.textStart()
                end = min(start + line.textLength(), block.position() + block.length() - 1)
                yield _Line(block, line, box.left(), box.top() + line.y() + line.ascent(), start, end)
            block = block.next()

    def _box(self, line: _Line, start: int, end: int) -> QRectF | None:
        """Where a token is in a line; ``None`` if it is not there."""
        size = self._editor.text_size
        first, last = max(start, line.start), min(end, line.end)
        if first > last or (first == last and not self._ends_line(line, start, end)):
            return None
        limit = line.line.naturalTextRect().right()
        left = min(x_of(line.line, first - line.block.position()), limit)
        right = min(x_of(line.line, last - line.block.position()), limit) if last > first else left
        if self._ends_line(line, start, end):
            right += _LINE_END_WIDTH * size
        return QRectF(line.left + left, line.baseline - ABOVE * size, right - left, (ABOVE + BELOW) * size)

    def _ends_line(self, line: _Line, start: int, end: int) -> bool:
        """Whether a token has the line end behind a line, which has no width."""
        return start <= line.end < end and line.end == line.block.position() + line.block.length() - 1

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


def colours_of(measure: Measure, theme: Theme) -> tuple[str, ...]:
    """The ramp of a measure in the theme in force."""
    return ramp(theme.colours.surface, measure.dark if theme.dark else measure.light)
