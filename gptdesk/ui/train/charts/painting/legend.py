"""The legend of a chart: a sample of each line with its name, elided to the width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from gptdesk.ui.widgets.tooltips import wrapped

_STROKE: Final = 18.0
_GAP: Final = 5.0
_APART: Final = 14.0


@dataclass(frozen=True)
class LegendEntry:
    """A line and its name.

    Attributes:
        kind: "line", "faint", "dots", "dash" or "area".
        colour: ``#rrggbb``.
        text: the word.
        dashes: of the line, in widths of it.
    """

    kind: str
    colour: str
    text: str
    dashes: tuple[float, ...] = ()


class Legend(QWidget):
    """Entries in one row; a tooltip lists those that do not fit."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._entries: tuple[LegendEntry, ...] = ()
        self._muted = QColor()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_entries(self, entries: Sequence[LegendEntry], muted: str) -> None:
        """Shows other entries, with names in the colour ``muted``."""
        self._entries, self._muted = tuple(entries), QColor(muted)
        words = ", ".join(entry.text for entry in entries)
        self.setToolTip(wrapped(words))
        self.setAccessibleName(f"Lines: {words}" if words else "No lines")
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        widths = [_STROKE + _GAP + self.fontMetrics().horizontalAdvance(entry.text) for entry in self._entries]
        return QSize(round(sum(widths) + _APART * max(0, len(widths) - 1)) + 2, self.fontMetrics().height() + 4)

    def minimumSizeHint(self) -> QSize:
        return QSize(40, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.paint(painter, QRectF(self.rect()))
        painter.end()

    def paint(self, painter: QPainter, place: QRectF) -> None:
        """Draws the entries that fit into a rectangle."""
        painter.setFont(self.font())
        metrics, x, middle = self.fontMetrics(), place.left() + 1.0, place.center().y()
        for entry in self._entries:
            room = place.right() - x - _STROKE - _GAP
            if room < metrics.horizontalAdvance("abc…"):
                break
            _paint_stroke(painter, entry, x, middle, self.palette().window().color())
            text = metrics.elidedText(entry.text, Qt.TextElideMode.ElideRight, int(room))
            painter.setPen(self._muted)
            words = QRectF(x + _STROKE + _GAP, place.top(), room, place.height())
            painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
            x += _STROKE + _GAP + metrics.horizontalAdvance(text) + _APART


def _paint_stroke(painter: QPainter, entry: LegendEntry, x: float, y: float, ground: QColor) -> None:
    colour = QColor(entry.colour)
    if entry.kind == "area":
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawRoundedRect(QRectF(x + 4, y - 5, 10, 10), 2, 2)
        return
    pen = QPen(colour, 1.0 if entry.kind == "faint" else 2.0)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    if entry.dashes:
        pen.setWidthF(1.5)
        pen.setDashPattern(list(entry.dashes))
    painter.setPen(pen)
    if entry.kind == "faint":
        places = [(0, 1), (3, -3), (6, 3), (9, -4), (12, 2), (15, -2), (18, 1)]
        painter.drawPolyline([QPointF(x + dx, y + dy) for dx, dy in places])
        return
    painter.drawLine(QPointF(x, y), QPointF(x + _STROKE, y))
    if entry.kind == "dots":
        painter.setBrush(colour)
        painter.drawEllipse(QPointF(x + _STROKE / 2, y), 3.0, 3.0)
