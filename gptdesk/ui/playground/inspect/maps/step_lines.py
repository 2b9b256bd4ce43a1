"""Named lines over the steps of a run; a table beside them says the same to keyboard and screen reader."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from gptdesk.ui import number_format
from gptdesk.ui.fonts import scaled, smaller
from gptdesk.ui.theme import Theme

_ROLES: Final = ("accent", "warn", "good", "bad", "muted", "text")
"""Colours of lines, in turn; their dashes differ too."""

_DASHES: Final = (
    Qt.PenStyle.SolidLine,
    Qt.PenStyle.DashLine,
    Qt.PenStyle.DotLine,
    Qt.PenStyle.DashDotLine,
    Qt.PenStyle.DashDotDotLine,
    Qt.PenStyle.SolidLine,
)
MOST_LINES: Final = len(_ROLES)
"""Lines that can be told apart."""

_TOPS: Final = (0.1, 0.2, 0.5, 1.0)
"""Upper ends of the axis; the first one that no value exceeds is taken."""

_EDGE: Final = 10
_GAP: Final = 6
"""Between a line's end and its name, in pixels."""


class StepLines(QWidget):
    """Values from 0 to 1 by step, a line for each of the first `MOST_LINES`, and for the current one.

    Args:
        theme: of the window.
        name: for screen readers.
    """

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._steps: Sequence[int] = ()
        self._names: Sequence[str] = ()
        self._values: npt.NDArray[np.floating] = np.zeros((0, 0))
        self._current = -1
        self.setMinimumSize(scaled(180), scaled(110))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(name)
        theme.changed.connect(self.update)

    def show_lines(self, steps: Sequence[int], names: Sequence[str], values: npt.NDArray[np.floating]) -> None:
        """Shows lines.

        Args:
            steps: S of them, ascending.
            names: N of them, the most important first.
            values: (N, S).
        """
        self._steps, self._names, self._values, self._current = steps, names, values, -1
        shown = ", ".join(names[:MOST_LINES])
        self.setAccessibleDescription(f"{shown}; the table beside it has their values." if names else "")
        self.update()

    def point_out(self, number: int) -> None:
        """Makes a line the current one, which is thicker; -1 for none."""
        if number != self._current:
            self._current = number
            self.update()

    def picture_size(self) -> QSize:
        """Size of `paint_picture`."""
        return self.size()

    def paint_picture(self, painter: QPainter, place: QRect) -> None:
        """Paints the lines as on the screen."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(smaller(self.font()))
        letters = painter.fontMetrics()
        numbers = [*range(min(MOST_LINES, len(self._names)))]
        if self._current >= MOST_LINES:
            numbers.append(self._current)
        names = max((letters.horizontalAdvance(self._names[number]) for number in numbers), default=0)
        left = _EDGE + letters.horizontalAdvance("0.25")
        box = QRectF(place).adjusted(left, _EDGE, -(_EDGE + _GAP + names), -(_EDGE + letters.height()))
        self._paint_axes(painter, box)
        if not self._steps or box.isEmpty():
            return
        for number in numbers:
            self._paint_line(painter, box, number)
        for number, y in self._places(box, numbers, letters.height()):
            painter.setPen(self._colour(number))
            painter.drawText(QPointF(box.right() + _GAP, y + letters.ascent() / 2), self._names[number])

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        self.paint_picture(painter, self.rect())
        painter.end()

    @property
    def _top(self) -> float:
        largest = float(self._values.max(initial=0.0))
        return next((top for top in _TOPS if largest <= top), 1.0)

    def _y(self, box: QRectF, value: float) -> float:
        return box.bottom() - value / self._top * box.height()

    def _places(self, box: QRectF, numbers: Sequence[int], height: int) -> list[tuple[int, float]]:
        """The middle of each name: where its line ends, or as near to that as the others leave room."""
        ends = sorted((self._y(box, float(self._values[number, -1])), number) for number in numbers)
        places: list[float] = []
        for end, _ in ends:
            places.append(max(end, places[-1] + height) if places else end)
        below = box.bottom()
        for at in reversed(range(len(places))):
            places[at] = below = min(places[at], below)
            below -= height
        return [(number, place) for (_, number), place in zip(ends, places, strict=True)]

    def _colour(self, number: int) -> QColor:
        return QColor(getattr(self._theme.colours, _ROLES[min(number, MOST_LINES - 1)]))

    def _paint_line(self, painter: QPainter, box: QRectF, number: int) -> None:
        colour, dashes = self._colour(number), _DASHES[min(number, MOST_LINES - 1)]
        painter.setPen(QPen(colour, 3.0 if number == self._current else 1.5, dashes))
        first, last = self._steps[0], self._steps[-1]
        across = [(step - first) / max(1, last - first) for step in self._steps]
        points = [
            QPointF(box.left() + x * box.width(), self._y(box, float(y)))
            for x, y in zip(across, self._values[number], strict=True)
        ]
        painter.drawPolyline(QPolygonF(points))
        painter.setBrush(colour)
        for point in points:
            painter.drawEllipse(point, 1.5, 1.5)

    def _paint_axes(self, painter: QPainter, box: QRectF) -> None:
        colours, letters = self._theme.colours, painter.fontMetrics()
        for share in (0.0, 0.5, 1.0):
            y, name = box.bottom() - share * box.height(), f"{share * self._top:g}"
            painter.setPen(QPen(QColor(colours.hairline), 1))
            painter.drawLine(QPointF(box.left(), y), QPointF(box.right(), y))
            painter.setPen(QColor(colours.muted))
            painter.drawText(QPointF(box.left() - 4 - letters.horizontalAdvance(name), y + letters.ascent() / 2), name)
        if not self._steps:
            return
        base = box.bottom() + letters.height()
        painter.drawText(QPointF(box.left(), base), f"step {number_format.count(self._steps[0])}")
        last = number_format.count(self._steps[-1])
        if len(self._steps) > 1:
            painter.drawText(QPointF(box.right() - letters.horizontalAdvance(last), base), last)
