"""Marks of events on the x axis, and the crosshair with its dots."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPolygonF

from gptdesk.training.history.history import Mark
from gptdesk.ui.palette import Colours
from gptdesk.ui.stylesheet import mix
from gptdesk.ui.train.charts.curves.curve import SMALLEST_X
from gptdesk.ui.train.charts.curves.y_scale import Floats
from gptdesk.ui.train.charts.painting.box import ChartBox, Painting, paint_with_halo

ROLES: Final = {
    "checkpoint": "muted",
    "resume": "accent",
    "pause": "warn",
    "alert": "warn",
    "early_stop": "muted",
    "crash": "bad",
    "nonfinite": "bad",
}
"""Colour of each kind of mark; shapes differ too."""

_HALF: Final = 4.0
"""Half the width of a mark, in pixels."""

_LANE: Final = 12.0
"""Pixels from one row of marks to the next."""

_LANES: Final = 3
_NAME: Final = 40.0
"""Least pixels between the labels of marks."""

_STRIP: Final = 10.0
"""Pixels on either side of the crosshair that its dots may cover."""


@dataclass(frozen=True)
class PlacedMark:
    """A mark at its x coordinate."""

    place: float
    kind: str
    text: str = ""


def placed_marks(marks: Sequence[Mark], axis: str, *, log: bool) -> list[PlacedMark]:
    """The marks of a run with a place on an axis, in ascending order of it."""
    places = [(float(getattr(mark, axis)), mark) for mark in marks]
    found = [
        PlacedMark(math.log10(max(x, SMALLEST_X)) if log else x, mark.kind, mark.text)
        for x, mark in places
        if math.isfinite(x)
    ]
    return sorted(found, key=lambda mark: mark.place)


class Marks(Painting):
    """Checkpoints on the x axis, other events in rows above them, values that are not finite at the top."""

    def __init__(self, box: ChartBox, font: QFont, colours: Colours) -> None:
        super().__init__(box, z=60)
        self.marks: Sequence[PlacedMark] = ()
        self.colours = colours
        self._font = font
        self._places: Floats = np.empty(0)
        self._kinds = np.empty(0, dtype=str)
        self._height = 0.0

    def set_marks(self, marks: Sequence[PlacedMark]) -> None:
        """Shows marks, in ascending order of x."""
        self.marks = marks
        self._places = np.array([mark.place for mark in marks])
        kinds = {mark.kind for mark in marks} - {"nonfinite"}
        self._height = 0.0 if not kinds else _LANE if kinds == {"checkpoint"} else 2 * _LANE
        self._kinds = np.array([mark.kind for mark in marks])
        self.update()

    def height(self) -> float:
        """Height in pixels of the marks on the axis."""
        return self._height

    def near(self, place: float, pixels: float) -> list[PlacedMark]:
        """The marks within so many pixels of an x coordinate."""
        if not self.marks:
            return []
        near = np.abs(self.left(self._places) - self.left(place)) <= pixels
        return [self.marks[number] for number in np.flatnonzero(near).tolist()]

    def paint(self, painter: QPainter, *_: object) -> None:
        if not self.marks:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        x, (width, height) = self.left(self._places), (self.box.rect().width(), self.box.rect().height())
        seen = (x >= -_HALF) & (x <= width + _HALF)
        checkpoint, hanging = self._kinds == "checkpoint", self._kinds == "nonfinite"
        for place in _apart(x[seen & checkpoint], 2 * _HALF + 1):
            self._paint_shape(painter, QPointF(place, height - 5.5), "checkpoint")
        ends = [-100.0] * _LANES  # right end of the labels in each row
        for number in np.flatnonzero(seen & ~checkpoint & ~hanging).tolist():
            row = next((row for row in range(_LANES) if x[number] - ends[row] >= 2 * _HALF + 1), None)
            if row is not None:
                ends[row] = x[number]
                at = QPointF(x[number], height - 5.5 - (row + 1) * _LANE)
                self._paint_shape(painter, at, self.marks[number].kind)
        before = -100.0
        for place in _apart(x[seen & hanging], 2 * _HALF):
            self._paint_hanging(painter, place, name=place - before > _NAME)
            before = place

    def _paint_hanging(self, painter: QPainter, x: float, *, name: bool) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self.colours.bad))
        painter.drawPolygon(QPolygonF([QPointF(x - 5, 1), QPointF(x + 5, 1), QPointF(x, 9)]))
        if name:
            fits = x + 8 + QFontMetricsF(self._font).horizontalAdvance("NaN") < self.box.rect().width()
            left = x + 8 if fits else x - 8 - QFontMetricsF(self._font).horizontalAdvance("NaN")
            paint_with_halo(painter, self._font, QPointF(left, 11), "NaN", self.colours.bad, self.colours.surface)

    def _paint_shape(self, painter: QPainter, at: QPointF, kind: str) -> None:
        colour, h = QColor(getattr(self.colours, ROLES.get(kind, "muted"))), _HALF
        painter.setBrush(colour)
        painter.setPen(QPen(QColor(self.colours.surface), 1))
        shapes = {
            "checkpoint": [(-h, h - 0.5), (h, h - 0.5), (0, -h + 0.5)],
            "resume": [(-h + 0.5, -h), (h, 0), (-h + 0.5, h)],
            "alert": [(0, -h - 1), (h + 1, 0), (0, h + 1), (-h - 1, 0)],
            "early_stop": [(-h + 0.5, -h + 0.5), (h - 0.5, -h + 0.5), (h - 0.5, h - 0.5), (-h + 0.5, h - 0.5)],
        }
        if kind in shapes:
            painter.drawPolygon(QPolygonF([at + QPointF(x, y) for x, y in shapes[kind]]))
        elif kind == "pause":
            for x in (-h + 0.5, 1.0):
                painter.drawRect(QRectF(at.x() + x, at.y() - h, 2.5, 2 * h))
        else:
            pen = QPen(colour, 2)
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            painter.setPen(pen)
            painter.drawLine(at + QPointF(-h + 1, -h + 1), at + QPointF(h - 1, h - 1))
            painter.drawLine(at + QPointF(-h + 1, h - 1), at + QPointF(h - 1, -h + 1))


class Crosshair(Painting):
    """The vertical line at the pointer, dots on the curves there, and the current selection.

    Attributes:
        place: of the line; None when there is none.
        dots: place, value and colour of each point that it meets.
    """

    def __init__(self, box: ChartBox, colours: Colours) -> None:
        super().__init__(box, z=70)
        self.place: float | None = None
        self.dots: Sequence[tuple[float, float, str]] = ()
        self.colours = colours
        self._painted = QRectF()
        box.selected.connect(lambda: self.update())

    def show_place(self, place: float | None, dots: Sequence[tuple[float, float, str]]) -> None:
        """Moves the line and its dots; repaints only what they cover."""
        self.place, self.dots = place, dots
        self.update(self._painted)
        if place is not None:
            x = self.left(place)
            self._painted = QRectF(x - _STRIP, 0, 2 * _STRIP, self.box.height())
            self.update(self._painted)

    def paint(self, painter: QPainter, *_: object) -> None:
        if self.box.selection is not None:
            painter.fillRect(self.box.selection, QColor(*_rgb(self.colours.accent), 36))
            painter.setPen(QColor(mix(self.colours.accent, self.colours.surface, 0.6)))
            painter.drawRect(self.box.selection.adjusted(0, 0, -1, -1))
        if self.place is None:
            return
        x = round(self.left(self.place)) + 0.5
        painter.setPen(QColor(mix(self.colours.muted, self.colours.surface, 0.7)))
        painter.drawLine(QPointF(x, 0), QPointF(x, self.box.rect().height()))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for place, value, colour in self.dots:
            painter.setBrush(QColor(colour))
            painter.setPen(QPen(QColor(self.colours.surface), 2))
            painter.drawEllipse(QPointF(self.left(place), self.top(value)), 5, 5)


def _apart(x: Floats, least: float) -> list[float]:
    """A subset of ascending coordinates, each far enough from the one before."""
    chosen, number = [], 0
    while number < len(x):
        chosen.append(float(x[number]))
        number = int(np.searchsorted(x, x[number] + least))
    return chosen


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
