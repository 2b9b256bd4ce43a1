"""Paints a row of the branches: name of its bookmark, beginning of its text, figures."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QRect, QRectF, QSize
from PySide6.QtGui import QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QStyleOptionViewItem

from gptdesk.ui.fonts import smaller
from gptdesk.ui.icons import paint_icon
from gptdesk.ui.playground.branches.arrangement import Query, Row
from gptdesk.ui.playground.branches.labels import Figures, excerpt, facts
from gptdesk.ui.playground.branches.tree_model import FIGURES, ROW, BranchModel
from gptdesk.ui.playground.editing.view_text import units
from gptdesk.ui.playground.panes.row_delegate import Index, RowDelegate
from gptdesk.ui.playground.panes.row_text import first_lines, paint_line, paint_lines

_ABOVE: Final = 6
_GAP: Final = 2
_STAR: Final = 14
_LINES: Final = 2
"""Lines of text, of which the name of a bookmark takes one."""


class BranchDelegate(RowDelegate):
    """The rows, which all have the same height."""

    margins = 6, _ABOVE
    name = "Name of the bookmark"
    longest = 80

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        small = QFontMetrics(smaller(option.font)).height()
        return QSize(0, 2 * _ABOVE + _LINES * option.fontMetrics.height() + _GAP + small)

    def paint_row(self, painter: QPainter, option: QStyleOptionViewItem, box: QRect, index: Index) -> None:
        row, model, colours = index.data(ROW), index.model(), self.theme.colours
        assert isinstance(model, BranchModel)
        count, query = _LINES, model.rows.query
        if row.segment.bookmark is not None:
            box.setTop(self._paint_name(painter, box, row, option.font))
            count -= 1
        ink = colours.text if row.segment.shown or row.found else colours.muted
        text = first_lines(excerpt(row.segment, query), option.font, box.width(), count)
        found = _found(text, query)
        below = paint_lines(painter, box, text, option.font, ink, count=count, found=found, colours=colours)
        box.setTop(below + _GAP)
        self._paint_facts(painter, box, row, index.data(FIGURES), smaller(option.font))

    def _paint_name(self, painter: QPainter, box: QRect, row: Row, font: QFont) -> int:
        """Paints star and name. Returns where the line ends below."""
        font = QFont(font)
        font.setWeight(QFont.Weight.DemiBold)
        height, colours = QFontMetrics(font).height(), self.theme.colours
        star = QRectF(box.left(), box.top() + (height - _STAR) / 2, _STAR, _STAR)
        paint_icon(painter, "star", colours.warn, star)
        return paint_line(
            painter, box.adjusted(_STAR + 4, 0, 0, 0), row.segment.bookmark or "Bookmark", font, colours.text
        )

    def _paint_facts(self, painter: QPainter, place: QRect, row: Row, known: Figures, font: QFont) -> None:
        """Paints the longest form of the figures that fits."""
        metrics, forms = QFontMetrics(font), facts(row.segment, known)
        words = next((form for form in forms if metrics.horizontalAdvance(form) <= place.width()), forms[-1])
        paint_line(painter, place, words, font, self.theme.colours.muted)


def _found(text: str, query: Query) -> list[tuple[int, int]]:
    """Start and length of each match in a text, in UTF-16 code units."""
    spans = query.spans(text) if query else ()
    return [(units(text[:start]), units(text[start:end])) for start, end in spans]
