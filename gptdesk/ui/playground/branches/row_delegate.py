"""Paints a row of the branches: name of its bookmark, beginning of its text, figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QTextCharFormat, QTextLayout
from PySide6.QtWidgets import QLineEdit, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from gptdesk.ui.fonts import smaller
from gptdesk.ui.icons import paint_icon
from gptdesk.ui.palette import Colours
from gptdesk.ui.playground.branches.arrangement import Query, Row
from gptdesk.ui.playground.branches.labels import Figures, excerpt, facts
from gptdesk.ui.playground.branches.tree_model import FIGURES, ROW, BranchModel
from gptdesk.ui.playground.editing.view_text import units
from gptdesk.ui.theme import Theme

_SIDE: Final = 6
_ABOVE: Final = 6
_GAP: Final = 2
_STAR: Final = 14
_LINES: Final = 2
"""Lines of text, of which the name of a bookmark takes one."""

LONGEST_NAME: Final = 80
"""Characters of a bookmark's name that can be typed."""

Index = QModelIndex | QPersistentModelIndex


class RowDelegate(QStyledItemDelegate):
    """The rows, which all have the same height."""

    def __init__(self, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        small = QFontMetrics(smaller(option.font)).height()
        return QSize(0, 2 * _ABOVE + _LINES * option.fontMetrics.height() + _GAP + small)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row, known = index.data(ROW), index.data(FIGURES)
        self.initStyleOption(option, index)
        option.text = ""
        style = option.widget.style()
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, option.widget)
        model = index.model()
        assert isinstance(model, BranchModel)
        box = QRect(option.rect).adjusted(_SIDE, _ABOVE, -_SIDE, -_ABOVE)
        painter.save()
        colours = self._theme.colours
        lines, top = _LINES, box.top()
        if row.segment.bookmark is not None:
            top = _paint_name(painter, box, row, option.font, colours)
            lines -= 1
        ink = colours.text if row.segment.shown or row.found else colours.muted
        text = excerpt(row.segment, model.rows.query)
        place = QRect(box.left(), top, box.width(), lines * option.fontMetrics.height())
        top += _paint_lines(painter, place, text, model.rows.query, option.font, ink, colours, lines)
        small = smaller(option.font)
        _paint_facts(painter, QRect(box.left(), top + _GAP, box.width(), 0), row, known, small, colours)
        painter.restore()

    # Naming a bookmark in place

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        line = QLineEdit(parent)
        line.setMaxLength(LONGEST_NAME)
        line.setPlaceholderText("Name of the bookmark")
        line.setAccessibleName("Name of the bookmark")
        return line

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: Index) -> None:
        height = min(editor.sizeHint().height(), option.rect.height())
        editor.setGeometry(option.rect.left() + 2, option.rect.top() + 2, option.rect.width() - 4, height)


def _paint_name(painter: QPainter, box: QRect, row: Row, font: QFont, colours: Colours) -> int:
    """Paints star and name. Returns where the line ends below."""
    font = QFont(font)
    font.setWeight(QFont.Weight.DemiBold)
    metrics = QFontMetrics(font)
    line = QRect(box.left(), box.top(), box.width(), QFontMetrics(font).height())
    star = QRectF(line.left(), line.top() + (line.height() - _STAR) / 2, _STAR, _STAR)
    paint_icon(painter, "star", colours.warn, star)
    line.setLeft(line.left() + _STAR + 4)
    painter.setFont(font)
    painter.setPen(QColor(colours.text))
    name = metrics.elidedText(row.segment.bookmark or "Bookmark", Qt.TextElideMode.ElideRight, line.width())
    painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, name)
    return line.bottom() + 1


def _paint_facts(painter: QPainter, line: QRect, row: Row, known: Figures, font: QFont, colours: Colours) -> None:
    metrics = QFontMetrics(font)
    line.setHeight(metrics.height())
    forms = facts(row.segment, known)
    words = next((form for form in forms if metrics.horizontalAdvance(form) <= line.width()), forms[-1])
    painter.setFont(font)
    painter.setPen(QColor(colours.muted))
    words = metrics.elidedText(words, Qt.TextElideMode.ElideRight, line.width())
    painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, words)


def _paint_lines(
    painter: QPainter, box: QRect, text: str, query: Query, font: QFont, ink: str, colours: Colours, count: int
) -> int:
    """Paints the first ``count`` lines of a text, the last one shortened, and what matches on a wash.

    Returns:
        Their height.
    """
    layout = QTextLayout(_shortened(text, font, box.width(), count), font)
    layout.setFormats(_marked(layout.text(), query, colours))
    layout.beginLayout()
    top = 0.0
    for _ in range(count):
        line = layout.createLine()
        if not line.isValid():
            break
        line.setLineWidth(box.width())
        line.setPosition(QPointF(0, top))
        top += line.height()
    layout.endLayout()
    painter.setPen(QColor(ink))
    layout.draw(painter, QPointF(box.topLeft()))
    return round(top)


def _shortened(text: str, font: QFont, width: int, count: int) -> str:
    """The text, cut with an ellipsis where ``count`` lines are full."""
    layout = QTextLayout(text, font)
    layout.beginLayout()
    start = 0
    for _ in range(count - 1):
        line = layout.createLine()
        if not line.isValid():
            return text
        line.setLineWidth(width)
        start = line.textStart() + line.textLength()
    layout.endLayout()
    encoded = text.encode("utf-16-le", "surrogatepass")
    first, rest = (part.decode("utf-16-le", "surrogatepass") for part in (encoded[: 2 * start], encoded[2 * start :]))
    return first + QFontMetrics(font).elidedText(rest, Qt.TextElideMode.ElideRight, width)


def _marked(text: str, query: Query, colours: Colours) -> Sequence[QTextLayout.FormatRange]:
    ranges = []
    for start, end in query.spans(text) if query else ():
        match, look = QTextLayout.FormatRange(), QTextCharFormat()
        match.start, match.length = units(text[:start]), units(text[start:end])
        look.setForeground(QColor(colours.text))
        look.setBackground(QColor(colours.wash))
        look.setFontWeight(QFont.Weight.DemiBold)
        match.format = look
        ranges.append(match)
    return ranges
