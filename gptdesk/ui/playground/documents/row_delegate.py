"""Paints a row of the list of documents: title, date, tags, and the line of the text that a search found."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QStyleOptionViewItem

from gptdesk.store.catalog.search_index import FIRST, LAST
from gptdesk.store.catalog.tags import shown_tags
from gptdesk.store.titles import LONGEST_TITLE
from gptdesk.ui.fonts import smaller
from gptdesk.ui.icons import paint_icon
from gptdesk.ui.playground.documents.dates import when
from gptdesk.ui.playground.documents.list_model import ROW
from gptdesk.ui.playground.documents.listing import Order, Row
from gptdesk.ui.playground.panes.row_delegate import Index, RowDelegate
from gptdesk.ui.playground.panes.row_text import paint_line, paint_lines
from gptdesk.ui.theme import Theme

_SIDE: Final = 12
_ABOVE: Final = 7
_GAP: Final = 2
_BAR: Final = 3
"""Width of the bar beside the open document, in pixels."""

_PIN: Final = 14
_SNIPPET_LINES: Final = 2


class DocumentDelegate(RowDelegate):
    """The rows.

    Attributes:
        order: of the list; says which date is shown.
        with_snippets: whether rows have room for a line of their text.
    """

    margins = _SIDE, _ABOVE
    name = "Title"
    longest = LONGEST_TITLE

    def __init__(self, theme: Theme, order: Order, current_id: Callable[[], str], parent: QObject) -> None:
        super().__init__(theme, parent)
        self._current_id = current_id
        self.order, self.with_snippets = order, False

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        small = QFontMetrics(smaller(option.font)).height()
        height = 2 * _ABOVE + option.fontMetrics.height() + _GAP + small
        return QSize(0, height + (_GAP + _SNIPPET_LINES * small if self.with_snippets else 0))

    def paint_row(self, painter: QPainter, option: QStyleOptionViewItem, box: QRect, index: Index) -> None:
        row: Row = index.data(ROW)
        if row.entry.id == self._current_id():
            bar = QRectF(option.rect.left() + 2, option.rect.top() + 6, _BAR, option.rect.height() - 12)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(self.theme.colours.accent))
            painter.drawRoundedRect(bar, _BAR / 2, _BAR / 2)
        small = smaller(option.font)
        box.setTop(self._paint_title(painter, QRect(box), row, option.font) + _GAP)
        box.setTop(self._paint_facts(painter, QRect(box), row, small) + _GAP)
        if row.snippet and self.with_snippets:
            text, found = parse_snippet(row.snippet)
            ink, colours = self.theme.colours.muted, self.theme.colours
            paint_lines(painter, box, text, small, ink, count=_SNIPPET_LINES, found=found, colours=colours)

    def _paint_title(self, painter: QPainter, line: QRect, row: Row, font: QFont) -> int:
        """Returns where the title ends below."""
        font, colours = QFont(font), self.theme.colours
        font.setWeight(QFont.Weight.Medium)
        if row.entry.pinned:
            height = QFontMetrics(font).height()
            place = QRectF(line.right() - _PIN + 1, line.top() + (height - _PIN) / 2, _PIN, _PIN)
            paint_icon(painter, "pin", colours.muted, place)
            line.setRight(line.right() - _PIN - 4)
        return paint_line(painter, line, row.entry.title, font, colours.text)

    def _paint_facts(self, painter: QPainter, line: QRect, row: Row, font: QFont) -> int:
        """The date, tags, and whether the document is damaged. Returns where the line ends below."""
        if row.entry.damaged:
            width = QFontMetrics(font).horizontalAdvance("damaged")
            place = QRect(line.right() - width, line.top(), width + 1, line.height())
            paint_line(painter, place, "damaged", font, self.theme.colours.warn)
            line.setRight(place.left() - _SIDE)
        trashed = row.entry.trashed
        date = when(self.order.date(row.entry) if trashed is None else trashed, time.time())
        words = " · ".join(filter(None, [date if trashed is None else f"deleted {date}", shown_tags(row.entry.tags)]))
        return paint_line(painter, line, words, font, self.theme.colours.muted)


def parse_snippet(snippet: str) -> tuple[str, list[tuple[int, int]]]:
    """The text of a snippet, and start and length of each match in it, in UTF-16 code units."""
    text, spans, units, start = "", [], 0, 0
    for piece in snippet.replace(LAST, FIRST).split(FIRST):
        length = len(piece.encode("utf-16-le", "surrogatepass")) // 2
        if start % 2:
            spans.append((units, length))
        text, units, start = text + piece, units + length, start + 1
    return text, spans
