"""Pointer and keyboard input of a chart: zoom, pan, selection, crosshair."""

from __future__ import annotations

import math
from typing import Final

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QApplication, QWidget

from gptdesk.ui.throttle import Throttle
from gptdesk.ui.train.charts.painting.box import ChartBox
from gptdesk.ui.train.charts.viewport import Viewport

_PAN: Final = 0.15
"""Share of the width that an arrow key pans by."""

_ZOOM: Final = 0.75
"""Share of the width that stays visible after the plus key."""

_RADIUS: Final = 6
"""Radius of the corners of the ring around a chart with the focus, in pixels."""


class ChartView(pg.GraphicsView):
    """A view box that zooms and pans, and is redrawn shortly after.

    Attributes:
        box: view box of the curves.
        view: visible range of the x axis.
        heights: range of the y axis that the user chose; ``None`` for the one that fits.
        by_keys: the crosshair was last moved by the keyboard.

    Signals:
        stepped(): the keyboard moved or removed the crosshair.
    """

    stepped = Signal()

    def __init__(self, viewport: Viewport, parent: QWidget | None = None) -> None:
        super().__init__(parent, background=None)
        self.view, self.box = viewport, ChartBox()
        self.heights: tuple[float, float] | None = None
        self._pressed: QPointF | None = None
        self._last, self._moving = QPointF(), False
        self.by_keys = False
        self._ringed = False
        self._drawing = Throttle(self.draw, 0, self)
        self.box.wanted.connect(self._on_wanted)
        self.box.fit_wanted.connect(self.fit_heights)
        self.box.sigResized.connect(self.draw_soon)
        viewport.moved.connect(self.draw_soon)

    def draw_soon(self) -> None:
        """Schedules one draw for any number of calls; none while the chart is hidden."""
        if self.isVisible():
            self._drawing.request()

    def draw(self) -> None:
        """Draws the visible range."""
        raise NotImplementedError

    def _place_of(self, event: QMouseEvent) -> QPointF:
        return self.box.mapFromScene(self.mapToScene(event.position().toPoint()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Starts a selection to zoom to; Shift or the middle button pans, with Ctrl vertically too."""
        place = self._place_of(event)
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton) and self.box.contains(place):
            shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self._moving = shift or event.button() == Qt.MouseButton.MiddleButton
            self._pressed = self._last = place
            self.view.point(None)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self.by_keys = False
        place = self._place_of(event)
        if self._pressed is None:
            self.view.point(self.box.mapToView(place).x() if self.box.contains(place) else None)
        elif self._moving:
            upright = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
            self.box.move_by(self._last, place, upright=upright)
            self._last = place
        else:
            self.box.select(self._pressed, place)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._pressed = None
        self.box.take_selection()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.box.fit_wanted.emit()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        if not self.by_keys:
            self.view.point(None)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Shows a ring if the keyboard moved the focus here."""
        super().focusInEvent(event)
        self._ringed = event.reason() != Qt.FocusReason.MouseFocusReason
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._take_crosshair_away()
        self.viewport().update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._ringed and self.hasFocus():
            painter = QPainter(self.viewport())
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QApplication.palette().color(QPalette.ColorRole.Accent))
            painter.drawRoundedRect(QRectF(self.viewport().rect()).adjusted(0.5, 0.5, -0.5, -0.5), _RADIUS, _RADIUS)
            painter.end()

    def _take_crosshair_away(self) -> None:
        """Removes the crosshair if the keyboard moved it there."""
        if self.by_keys:
            self.by_keys = False
            self.view.point(None)
            self.stepped.emit()

    def step_by(self, direction: int) -> None:
        """Moves the crosshair to the next point at the right (1) or at the left (-1)."""
        place = self.next_place(direction)
        if place is not None:
            self.by_keys = True
            if not self.view.low <= place <= self.view.high:
                wide = self.view.high - self.view.low
                self.view.choose(place - wide / 2, place + wide / 2)
            self.view.point(place)
            self.stepped.emit()

    def next_place(self, direction: int) -> float | None:
        """X coordinate of the next point in a direction."""
        raise NotImplementedError

    def keyPressEvent(self, event: QKeyEvent) -> None:
        low, high = self.view.low, self.view.high
        wide, middle = high - low, (low + high) / 2
        key = event.key()
        if key == Qt.Key.Key_Escape and self.by_keys:
            self._take_crosshair_away()
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right) and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.step_by(-1 if key == Qt.Key.Key_Left else 1)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            shift = _PAN * wide * (-1 if key == Qt.Key.Key_Left else 1)
            self.view.choose(low + shift, high + shift)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            half = wide / 2 * (1 / _ZOOM if key == Qt.Key.Key_Minus else _ZOOM)
            self.view.choose(middle - half, middle + half)
        elif key in (Qt.Key.Key_0, Qt.Key.Key_Home):
            self.box.fit_wanted.emit()
        else:
            QWidget.keyPressEvent(self, event)

    def _on_wanted(self, x: tuple[float, float] | None, y: tuple[float, float] | None) -> None:
        """Sets the range at once, since requests may come faster than drawing and each builds on the last."""
        if y is not None and all(map(math.isfinite, y)) and y[1] > y[0]:
            self.heights = y
            self.box.setRange(yRange=y, padding=0)
            self.draw_soon()
        if x is not None:
            self.view.choose(*x)
            self.box.setRange(xRange=(self.view.low, self.view.high), padding=0)

    def fit_heights(self) -> None:
        """Fits the y axis to the values in the visible range."""
        self.heights = None
        self.draw_soon()
