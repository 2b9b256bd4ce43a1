"""Paints the text of rows: a line that is shortened to fit, and a few lines with what a search found on a wash."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QPointF, QRect, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QTextCharFormat, QTextLayout

from gptdesk.ui.palette import Colours


def paint_line(painter: QPainter, place: QRect, text: str, font: QFont, ink: str) -> int:
    """Paints one line of text from the left, shortened to fit. Returns where it ends below.

    Args:
        place: its left, top and width; the font says how high it is.
    """
    metrics = QFontMetrics(font)
    line = QRect(place.left(), place.top(), place.width(), metrics.height())
    painter.setFont(font)
    painter.setPen(QColor(ink))
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, line.width())
    painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)
    return line.bottom() + 1


def paint_lines(
    painter: QPainter,
    place: QRect,
    text: str,
    font: QFont,
    ink: str,
    *,
    count: int,
    found: Iterable[tuple[int, int]],
    colours: Colours,
) -> int:
    """Paints the first ``count`` lines of a text, with what a search found on a wash. Returns where they end below.

    Args:
        place: left, top and width of the lines.
        found: start and length of each match, in UTF-16 code units.
    """
    layout = QTextLayout(text, font)
    layout.setFormats([_match(start, length, colours) for start, length in found])
    layout.beginLayout()
    top = 0.0
    for _ in range(count):
        line = layout.createLine()
        if not line.isValid():
            break
        line.setLineWidth(place.width())
        line.setPosition(QPointF(0, top))
        top += line.height()
    layout.endLayout()
    painter.setPen(QColor(ink))
    layout.draw(painter, QPointF(place.topLeft()))
    return place.top() + round(top)


def _match(start: int, length: int, colours: Colours) -> QTextLayout.FormatRange:
    match, look = QTextLayout.FormatRange(), QTextCharFormat()
    match.start, match.length = start, length
    look.setForeground(QColor(colours.text))
    look.setBackground(QColor(colours.wash))
    look.setFontWeight(QFont.Weight.DemiBold)
    match.format = look
    return match


def first_lines(text: str, font: QFont, width: int, count: int) -> str:
    """The text, cut with an ellipsis where ``count`` lines of that width in pixels are full."""
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
