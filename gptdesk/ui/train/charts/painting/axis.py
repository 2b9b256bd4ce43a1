"""Axes with their tick labels, the grid, and levels: what a chart shows beside its lines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from gptdesk.ui.train.charts.painting.box import ChartBox, Painting
from gptdesk.ui.train.charts.painting.ticks import Tick

_TEXT_AWAY: Final = 8
"""Pixels between the box and the tick labels."""

RIGHT: Final = 24
"""Pixels right of the box into which tick labels may extend."""

_SLACK: Final = 24
"""Pixels of surplus width that the y axis keeps when labels get shorter, so that the curves do not jump."""

_LEAST_APART: Final = (40.0, 84.0)
"""Least pixels between ticks, vertically and horizontally."""

_MOST_TICKS: Final = 12
_LONGEST_TIME: Final = "10 h 30 min"


class Axis(pg.GraphicsWidget):
    """Tick labels at the left of the box or below it; labels at the ends extend beyond it.

    Attributes:
        ticks: that are labelled.
        colour: of the labels.
    """

    def __init__(self, box: ChartBox, font: QFont, *, upright: bool) -> None:
        super().__init__()
        self.box, self.upright = box, upright
        self.ticks: Sequence[Tick] = ()
        self.colour = "#000000"
        self._font, self.metrics = font, QFontMetricsF(font)
        self._shown: tuple[object, ...] = ()
        self._out = 0.0  # pixels that a label may extend beyond the axis
        if upright:
            self.setFixedWidth(_TEXT_AWAY)
        else:
            self.setFixedHeight(math.ceil(self.metrics.height()) + _TEXT_AWAY)

    def room(self, largest: float, unit: str, *, log: bool) -> int:
        """Number of ticks whose labels fit with space between them."""
        if self.upright:
            return max(2, int(self.box.height() / max(2.4 * self.metrics.height(), _LEAST_APART[0])))
        sample = _LONGEST_TIME if unit == "time" else f"{10**largest if log else largest:,.0f}"
        apart = max(self.metrics.horizontalAdvance(sample) + 32, _LEAST_APART[1])
        return max(2, min(_MOST_TICKS, int(self.box.width() / apart)))

    def show_ticks(self, ticks: Sequence[Tick]) -> None:
        """Shows other ticks, and adjusts the width of the y axis to their labels."""
        shown = (tuple(ticks), self.box.viewRange(), self.box.width(), self.box.height(), self.colour)
        if shown == self._shown:
            return
        self.ticks, self._shown = ticks, shown
        widest = max((self.metrics.horizontalAdvance(tick.text) for tick in ticks), default=0.0)
        if self.upright:
            needed = widest + _TEXT_AWAY
            if not needed <= self.width() <= needed + _SLACK:
                self.setFixedWidth(math.ceil(needed))
        self._reserve((self.metrics.height() if self.upright else widest) / 2)
        self.update()

    def _reserve(self, half: float) -> None:
        """Enlarges the bounding rectangle; never shrinks it, so that earlier labels are erased."""
        out = math.ceil(half) + 2
        if out > self._out:
            self.prepareGeometryChange()
            self._out = out

    def boundingRect(self) -> QRectF:
        """Includes labels beyond the axis, or Qt would not erase them."""
        whole = QRectF(0, 0, self.width(), self.height())
        return (
            whole.adjusted(0, -self._out, 0, self._out) if self.upright else whole.adjusted(-self._out, 0, self._out, 0)
        )

    def paint(self, painter: QPainter, *_: object) -> None:
        (x0, x1), (y0, y1) = self.box.viewRange()
        painter.setFont(self._font)
        painter.setPen(QColor(self.colour))
        for tick in self.ticks:
            wide = self.metrics.horizontalAdvance(tick.text)
            if self.upright:
                y = (y1 - tick.place) / (y1 - y0) * self.box.height()
                place = QPointF(self.width() - _TEXT_AWAY - wide, y + self.metrics.capHeight() / 2)
            else:
                x = (tick.place - x0) / (x1 - x0) * self.box.width()
                place = QPointF(min(x - wide / 2, self.width() + RIGHT - wide), _TEXT_AWAY + self.metrics.ascent() - 2)
            painter.drawText(place, tick.text)


class Grid(Painting):
    """Horizontal hairlines at the ticks of the y axis, and one along the x axis.

    Attributes:
        ticks: of the y axis.
        colour: of the lines.
    """

    def __init__(self, box: ChartBox) -> None:
        super().__init__(box, z=-50)
        self.ticks: Sequence[Tick] = ()
        self.colour = "#000000"

    def paint(self, painter: QPainter, *_: object) -> None:
        pen = QPen(QColor(self.colour), 1)
        painter.setPen(pen)
        width, height = self.box.width(), self.box.height()
        for y in (*(self.top(tick.place) for tick in self.ticks), height - 1):
            level = min(math.floor(y), math.floor(height) - 1) + 0.5
            painter.drawLine(QPointF(0, level), QPointF(width, level))


class Levels(Painting):
    """Dashed horizontal lines with a label at their right end.

    Attributes:
        lines: y coordinate and label of each.
    """

    def __init__(self, box: ChartBox, font: QFont) -> None:
        super().__init__(box, z=50)
        self.lines: Sequence[tuple[float, str]] = ()
        self.colour, self.ground = "#000000", "#ffffff"
        self._font = font

    def paint(self, painter: QPainter, *_: object) -> None:
        height, width = self.box.height(), self.box.width()
        shown = [(round(self.top(value)) + 0.5, word) for value, word in sorted(self.lines)]
        shown = [(y, word) for y, word in shown if 0 <= y <= height]
        pen = QPen(QColor(self.colour), 1)
        pen.setDashPattern([5, 4])
        painter.setPen(pen)
        for y, _word in shown:
            painter.drawLine(QPointF(0, y), QPointF(width, y))
        metrics = QFontMetricsF(self._font)
        painter.setFont(self._font)
        above = math.inf
        for y, word in shown:
            box = QRectF(0, y - metrics.height() / 2, metrics.horizontalAdvance(word) + 8, metrics.height())
            box.moveRight(width)
            box.moveBottom(min(box.bottom(), height))
            if word and box.bottom() < above and box.top() >= 0:
                painter.fillRect(box.adjusted(0, 0, 2, 0), QColor(self.ground))
                painter.setPen(QColor(self.colour))
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, word)
                above = box.top()
