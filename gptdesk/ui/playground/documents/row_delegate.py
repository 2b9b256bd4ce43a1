"""Paints a row of the list of documents: title, date, tags, and the line of the text that a search found."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QTextCharFormat, QTextLayout
from PySide6.QtWidgets import QLineEdit, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from gptdesk.store.catalog.search_index import FIRST, LAST
from gptdesk.store.catalog.tags import shown_tags
from gptdesk.store.titles import LONGEST_TITLE
from gptdesk.ui.fonts import smaller
from gptdesk.ui.icons import paint_icon
from gptdesk.ui.palette import Colours
from gptdesk.ui.playground.documents.dates import when
from gptdesk.ui.playground.documents.list_model import ROW
from gptdesk.ui.playground.documents.listing import Order, Row
from gptdesk.ui.theme import Theme

_SIDE: Final = 12
_ABOVE: Final = 7
_GAP: Final = 2
_BAR: Final = 3
"""Width of the bar beside the open document, in pixels."""

_PIN: Final = 14
_SNIPPET_LINES: Final = 2

Index = QModelIndex | QPersistentModelIndex


class RowDelegate(QStyledItemDelegate):
    """The rows.

    Attributes:
        order: of the list; says which date is shown.
        with_snippets: whether rows have room for a line of their text.
    """

    def __init__(self, theme: Theme, order: Order, current_id: Callable[[], str], parent: QObject) -> None:
        super().__init__(parent)
        self._theme, self._current_id = theme, current_id
        self.order, self.with_snippets = order, False

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        small = QFontMetrics(smaller(option.font)).height()
        height = 2 * _ABOVE + option.fontMetrics.height() + _GAP + small
        return QSize(0, height + (_GAP + _SNIPPET_LINES * small if self.with_snippets else 0))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row: Row = index.data(ROW)
        self.initStyleOption(option, index)
        option.text = ""
        style = option.widget.style()
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, option.widget)
        box = QRect(option.rect).adjusted(_SIDE, _ABOVE, -_SIDE, -_ABOVE)
        painter.save()
        colours = self._theme.colours
        if row.entry.id == self._current_id():
            bar = QRectF(option.rect.left() + 2, option.rect.top() + 6, _BAR, option.rect.height() - 12)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.accent))
            painter.drawRoundedRect(bar, _BAR / 2, _BAR / 2)
        top = self._paint_title(painter, box, row, option.font, colours)
        small = smaller(option.font)
        top = self._paint_facts(painter, box, top + _GAP, row, small, colours)
        if row.snippet and self.with_snippets:
            _paint_snippet(painter, QRect(box.left(), top + _GAP, box.width(), 0), row.snippet, small, colours)
        painter.restore()

    def _paint_title(self, painter: QPainter, box: QRect, row: Row, font: QFont, colours: Colours) -> int:
        """Returns where the title ends below."""
        font = QFont(font)
        font.setWeight(QFont.Weight.Medium)
        metrics = QFontMetrics(font)
        line = QRect(box.left(), box.top(), box.width(), metrics.height())
        if row.entry.pinned:
            place = QRectF(line.right() - _PIN + 1, line.top() + (line.height() - _PIN) / 2, _PIN, _PIN)
            paint_icon(painter, "pin", colours.muted, place)
            line.setRight(line.right() - _PIN - 4)
        painter.setFont(font)
        painter.setPen(QColor(colours.text))
        title = metrics.elidedText(row.entry.title, Qt.TextElideMode.ElideRight, line.width())
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, title)
        return line.bottom() + 1

    def _paint_facts(self, painter: QPainter, box: QRect, top: int, row: Row, font: QFont, colours: Colours) -> int:
        """The date, tags, and whether the document is damaged. Returns where the line ends below."""
        metrics = QFontMetrics(font)
        line = QRect(box.left(), top, box.width(), metrics.height())
        painter.setFont(font)
        if row.entry.damaged:
            painter.setPen(QColor(colours.warn))
            painter.drawText(line, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, "damaged")
            line.setRight(line.right() - metrics.horizontalAdvance("damaged") - _SIDE)
        trashed = row.entry.trashed
        date = when(self.order.date(row.entry) if trashed is None else trashed, time.time())
        words = " · ".join(filter(None, [date if trashed is None else f"deleted {date}", shown_tags(row.entry.tags)]))
        painter.setPen(QColor(colours.muted))
        shown = metrics.elidedText(words, Qt.TextElideMode.ElideRight, line.width())
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)
        return line.bottom() + 1

    # Renaming in place

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        line = QLineEdit(parent)
        line.setMaxLength(LONGEST_TITLE)
        line.setAccessibleName("Title")
        return line

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: Index) -> None:
        height = min(editor.sizeHint().height(), option.rect.height())
        editor.setGeometry(option.rect.left() + 2, option.rect.top() + 2, option.rect.width() - 4, height)


def _paint_snippet(painter: QPainter, box: QRect, snippet: str, font: QFont, colours: Colours) -> None:
    """Paints the first lines of a snippet, with the words that match in the colour of the text on a wash."""
    text, spans = parse_snippet(snippet)
    layout = QTextLayout(text, font)
    ranges = []
    for start, length in spans:
        match = QTextLayout.FormatRange()
        match.start, match.length = start, length
        look = QTextCharFormat()
        look.setForeground(QColor(colours.text))
        look.setBackground(QColor(colours.wash))
        look.setFontWeight(QFont.Weight.DemiBold)
        match.format = look
        ranges.append(match)
    layout.setFormats(ranges)
    layout.beginLayout()
    top = 0.0
    for _ in range(_SNIPPET_LINES):
        line = layout.createLine()
        if not line.isValid():
            break
        line.setLineWidth(box.width())
        line.setPosition(QPointF(0, top))
        top += line.height()
    layout.endLayout()
    painter.setPen(QColor(colours.muted))
    layout.draw(painter, QPointF(box.topLeft()))


def parse_snippet(snippet: str) -> tuple[str, list[tuple[int, int]]]:
    """The text of a snippet, and start and length of each match in it, in UTF-16 code units."""
    text, spans, units, start = "", [], 0, 0
    for piece in snippet.replace(LAST, FIRST).split(FIRST):
        length = len(piece.encode("utf-16-le", "surrogatepass")) // 2
        if start % 2:
            spans.append((units, length))
        text, units, start = text + piece, units + length, start + 1
    return text, spans
