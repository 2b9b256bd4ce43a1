"""View box of a chart, and the base of what is painted in it."""

from __future__ import annotations

from typing import Final, TypeVar

import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFont, QPainter, QPainterPath
from PySide6.QtWidgets import QGraphicsSceneWheelEvent

from gptdesk.ui.train.charts.curves.y_scale import Floats

Pixels = TypeVar("Pixels", float, Floats)

_WHEEL: Final = 0.0018
"""Share of the width that one unit of the wheel zooms by; a notch is 120 units."""

_BAND: Final = 24
"""Height in pixels below which a selection is an x range alone."""

_CLICK: Final = 4
_BLEED: Final = 6
"""Pixels right of the box that are painted, too: a dot at the last step would be cut in half."""


class ChartBox(pg.ViewBox):
    """View box of the curves; turns pointer input into requests for another range.

    Attributes:
        selection: rectangle being selected, in pixels of the box.

    Signals:
        wanted(object, object): requested x and y range; None leaves one unchanged.
        fit_wanted(): show everything.
        selected(): emitted when `selection` changes.
    """

    wanted = Signal(object, object)
    fit_wanted = Signal()
    selected = Signal()

    def __init__(self) -> None:
        super().__init__(enableMenu=False, defaultPadding=0)
        self.disableAutoRange()
        self.selection: QRectF | None = None

    def wheelEvent(self, ev: QGraphicsSceneWheelEvent, axis: int | None = None) -> None:
        """Zooms x around the pointer, y with Ctrl; a horizontal wheel pans."""
        ev.accept()
        (x0, x1), (y0, y1) = self.viewRange()
        if ev.orientation() == Qt.Orientation.Horizontal:
            shift = -ev.delta() * _WHEEL * (x1 - x0) / 2
            self.wanted.emit((x0 + shift, x1 + shift), None)
            return
        factor = (1 - _WHEEL) ** ev.delta()
        at = self.mapToView(ev.pos())
        if axis == 1 or ev.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.wanted.emit(None, _zoomed(y0, y1, at.y(), factor))
        else:
            self.wanted.emit(_zoomed(x0, x1, at.x(), factor), None)

    def shape(self) -> QPainterPath:
        """Clips what is painted in the box."""
        path = QPainterPath()
        path.addRect(self.rect().adjusted(0, 0, _BLEED, 0))
        return path

    def select(self, start: QPointF, now: QPointF) -> None:
        """Shows the selection between two points in pixels: an x range, or a rectangle."""
        box, whole = QRectF(start, now).normalized(), self.rect()
        if box.height() < _BAND:
            box = QRectF(box.left(), whole.top(), box.width(), whole.height())
        self.selection = box.intersected(whole)
        self.selected.emit()

    def take_selection(self) -> None:
        """Requests the selected range."""
        box, self.selection = self.selection, None
        self.selected.emit()
        if box is None or box.width() <= _CLICK:
            return
        whole = box.height() >= self.rect().height() - 1
        low, high = self.mapToView(box.bottomLeft()), self.mapToView(box.topRight())
        self.wanted.emit((low.x(), high.x()), None if whole else (low.y(), high.y()))

    def move_by(self, before: QPointF, now: QPointF, *, upright: bool) -> None:
        """Pans with the pointer, in pixels; vertically only if ``upright``."""
        (x0, x1), (y0, y1) = self.viewRange()
        shift = self.mapToView(before) - self.mapToView(now)
        self.wanted.emit((x0 + shift.x(), x1 + shift.x()), (y0 + shift.y(), y1 + shift.y()) if upright else None)


class Painting(pg.GraphicsObject):
    """Base of items painted over the whole box in pixels, so that they are sharp at any zoom.

    Args:
        box: that it is painted in.
    """

    def __init__(self, box: ChartBox, z: float) -> None:
        super().__init__(box)
        self.box = box
        self.setZValue(z)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        box.sigResized.connect(self._on_resized)

    def _on_resized(self) -> None:
        self.prepareGeometryChange()

    def boundingRect(self) -> QRectF:
        return self.box.rect().adjusted(0, 0, _BLEED, 0)

    def remove(self) -> None:
        """Removes it from the chart."""
        scene = self.scene()
        self.box.sigResized.disconnect(self._on_resized)
        self.setParentItem(None)
        if scene is not None:
            scene.removeItem(self)

    def left(self, place: Pixels) -> Pixels:
        """Pixels from the left edge, of one or many x coordinates."""
        (x0, x1), _ = self.box.viewRange()
        return (place - x0) / (x1 - x0) * self.box.rect().width()

    def top(self, value: Pixels) -> Pixels:
        """Pixels from the top edge, of one or many y coordinates."""
        _, (y0, y1) = self.box.viewRange()
        return (y1 - value) / (y1 - y0) * self.box.rect().height()


def paint_with_halo(painter: QPainter, font: QFont, place: QPointF, text: str, colour: str, halo: str) -> None:
    """Draws text with an outline, so that it stays legible over curves."""
    painter.setFont(font)
    painter.setPen(QColor(halo))
    for x, y in ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (1, 1), (-1, 1), (1, -1)):
        painter.drawText(place + QPointF(x, y), text)
    painter.setPen(QColor(colour))
    painter.drawText(place, text)


def _zoomed(low: float, high: float, at: float, factor: float) -> tuple[float, float]:
    return at - (at - low) * factor, at + (high - at) * factor
