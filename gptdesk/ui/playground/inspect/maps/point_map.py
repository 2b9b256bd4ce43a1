"""Named points in a plane; a table beside it says the same to keyboard and screen reader."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from gptdesk.ui.fonts import scaled, smaller
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.tooltips import wrapped

_POINT: Final = 3.5
_NEAR: Final = 14
"""Radius of a point, and the distance at which the pointer finds it, in pixels."""

_NAME: Final = 8
"""From the middle of a point to its name, in pixels."""

_SIDE: Final = 48
"""Space for names around the points, in pixels."""


class PointMap(QWidget):
    """Both axes have the same scale. Names that would overlap are left out, that of the current point never.

    Args:
        theme: of the window.

    Signals:
        hovered(int): emitted with the number of the point under the pointer.
    """

    hovered = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._names: Sequence[str] = ()
        self._help: Sequence[str] = ()
        self._axes = ("", "")
        self._points: npt.NDArray[np.floating] = np.zeros((0, 2))
        self._current, self._sentence = -1, ""
        self.setMouseTracking(True)
        self.setMinimumSize(scaled(160), scaled(120))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Map of tokens")
        theme.changed.connect(self.update)

    def show_points(
        self,
        names: Sequence[str],
        points: npt.NDArray[np.floating],
        help: Sequence[str],
        axes: tuple[str, str],
        sentence: str = "",
    ) -> None:
        """Shows points.

        Args:
            names: N of them.
            points: (N, 2), x to the right and y up.
            help: a sentence for each.
            axes: names of the axes.
            sentence: why there are no points.
        """
        self._names, self._points, self._help, self._axes, self._current = names, points, help, axes, -1
        self._sentence = sentence
        self.setAccessibleDescription(sentence or f"{len(names)} points; the table beside it has their places.")
        self.update()

    def point_out(self, number: int) -> None:
        """Makes a point the current one; -1 for none."""
        if number != self._current:
            self._current = number
            self.update()

    def place_of(self, number: int) -> QPoint:
        """The middle of a point, in pixels of this widget."""
        return self._places(self.rect())[number].toPoint()

    def picture_size(self) -> QSize:
        """Size of `paint_picture`."""
        return self.size()

    def paint_picture(self, painter: QPainter, place: QRect) -> None:
        """Paints the map as on the screen."""
        colours = self._theme.colours
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(smaller(self.font()))
        places = self._places(place)
        self._paint_axes(painter, place)
        order = sorted(range(len(places)), key=lambda number: (number != self._current, number))
        taken: list[QRectF] = []
        for number in order:
            here, current = places[number], number == self._current
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.text if current else colours.accent))
            radius = _POINT + 1.5 * current
            painter.drawEllipse(here, radius, radius)
            font = QFont(painter.font())
            font.setBold(current)
            painter.setFont(font)
            boxes = _boxes(here, painter.fontMetrics().size(0, self._names[number]))
            inside = [box for box in boxes if QRectF(place).contains(box)] or boxes
            free = (box for box in inside if not any(box.intersects(other) for other in taken))
            box = next(free, inside[0] if current else None)
            if box is not None:
                painter.setPen(QColor(colours.text))
                painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self._names[number])
                taken.append(box)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        self.paint_picture(painter, self.rect())
        painter.end()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        number = self._near(event.position())
        if number is not None:
            self.hovered.emit(number)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            number = self._near(QPointF(event.pos()))
            if number is None:
                QToolTip.hideText()
            else:
                QToolTip.showText(event.globalPos(), wrapped(self._help[number]), self)
            return True
        return super().event(event)

    def _near(self, at: QPointF) -> int | None:
        """The point next to a place, if there is one."""
        gaps = [(point - at).manhattanLength() for point in self._places(self.rect())]
        nearest = int(np.argmin(gaps)) if gaps else -1
        return nearest if gaps and gaps[nearest] <= _NEAR else None

    def _places(self, place: QRect) -> list[QPointF]:
        """The middle of each point."""
        if not len(self._points):
            return []
        least, most = self._points.min(0), self._points.max(0)
        extent = np.maximum(most - least, 1e-9)
        room = max(1, place.width() - 2 * _SIDE), max(1, place.height() - _SIDE)
        scale = min(room[0] / extent[0], room[1] / extent[1])
        centred = (self._points - (least + most) / 2) * scale
        middle = QRectF(place).center()
        return [QPointF(middle.x() + float(x), middle.y() - float(y)) for x, y in centred]

    def _paint_axes(self, painter: QPainter, place: QRect) -> None:
        colours = self._theme.colours
        painter.setPen(QPen(QColor(colours.hairline), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(QRectF(place).adjusted(0.5, 0.5, -0.5, -0.5))
        painter.setPen(QColor(colours.muted))
        inner = place.adjusted(8, 4, -8, -4)
        painter.drawText(inner, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._sentence)
        painter.drawText(inner, Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignRight, self._axes[0])
        painter.drawText(inner, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft, self._axes[1])


def _boxes(here: QPointF, size: QSize) -> list[QRectF]:
    """Where the name of a point may stand: to the right, to the left, above, below."""
    width, height = size.width(), size.height()
    corners = (
        (_NAME, -height / 2),
        (-_NAME - width, -height / 2),
        (-width / 2, -_NAME / 2 - height),
        (-width / 2, _NAME / 2),
    )
    return [QRectF(here.x() + x, here.y() + y, width, height) for x, y in corners]
