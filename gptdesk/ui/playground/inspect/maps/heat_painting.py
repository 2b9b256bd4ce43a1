"""How values are painted: the colours of cells, cells with words, and maps of many cells by tiles."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRect, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from gptdesk.coloured_text.ramps import STEPS, ramp
from gptdesk.ui.palette import Colours
from gptdesk.ui.playground.inspect.maps.heat_model import PICTURE, STRONG, VALUE
from gptdesk.ui.theme import Theme

_GAP: Final = 1
_MARGIN: Final = 3

_TILE: Final = 256
"""Rows and columns of a tile: no picture of a whole map is ever in memory."""

_EQUAL_LUMINANCE: Final = 0.179
"""On this black and white have the same contrast: 1.05 / (L + 0.05) = (L + 0.05) / 0.05."""


class HeatDelegate(QStyledItemDelegate):
    """Paints a cell in the colour of its value: the accent for positive ones, the warning colour for negative ones."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(0, 0)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        colours, rect = self._theme.colours, QRect(option.rect).adjusted(0, 0, -_GAP, -_GAP)
        value, picture = index.data(VALUE), index.data(PICTURE)
        fill = colours.background if value is None else colour_of(value, colours)
        painter.fillRect(rect, QColor(fill))
        if picture is not None:
            painter.drawImage(rect.adjusted(1, 1, -1, -1), small_map(picture, colours))
        elif words := index.data(Qt.ItemDataRole.DisplayRole):
            font = QFont(option.font)
            font.setWeight(QFont.Weight.Bold if index.data(STRONG) else QFont.Weight.Normal)
            painter.setFont(font)
            painter.setPen(QColor(ink_on(fill)))
            inner = rect.adjusted(_MARGIN, 0, -_MARGIN, 0)
            shown = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, inner.width())
            painter.drawText(inner, Qt.AlignmentFlag.AlignCenter, shown)
        if option.state & QStyle.StateFlag.State_Selected:
            focused = bool(option.state & QStyle.StateFlag.State_Active) and option.widget.hasFocus()
            painter.setPen(QPen(QColor(colours.text if focused else colours.muted), 2))
            painter.drawRect(rect.adjusted(1, 1, -1, -1))


def colour_of(value: float, colours: Colours) -> str:
    """The colour of a value from -1 to 1."""
    step = round(min(1.0, abs(value)) * (STEPS - 1))
    return ramp(colours.surface, colours.accent if value >= 0 else colours.warn)[step]


def ink_on(fill: str) -> str:
    """Black or white, whichever can be read better on a colour: at least 4.5 to 1 (WCAG 2.2, "contrast ratio")."""
    red, green, blue = (_linear(int(fill[at : at + 2], 16) / 255) for at in (1, 3, 5))
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "#FFFFFF" if luminance < _EQUAL_LUMINANCE else "#000000"


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4  # IEC 61966-2-1


def small_map(values: Any, colours: Colours) -> QImage:
    """A picture of values from 0 to 1, one pixel each; their square roots, or nothing of long texts would be seen."""
    return cells_image(np.sqrt(np.clip(values, 0, 1)), colours)


def cells_image(values: Any, colours: Colours) -> QImage:
    """A picture of values from -1 to 1 in the colours of `colour_of`, one pixel each; the background for NaN."""
    steps = np.rint(np.clip(np.abs(np.nan_to_num(values)), 0, 1) * (STEPS - 1))
    steps = np.where(np.isnan(values), 2 * STEPS, np.where(values < 0, STEPS + steps, steps)).astype(np.uint8)
    ramps = ramp(colours.surface, colours.accent), ramp(colours.surface, colours.warn)
    rows, columns = steps.shape
    wide = np.zeros((rows, -(-columns // 4) * 4), np.uint8)  # lines of an image begin at multiples of 4 bytes
    wide[:, :columns] = steps
    image = QImage(wide.tobytes(), columns, rows, wide.shape[1], QImage.Format.Format_Indexed8)
    image.setColorTable([QColor(colour).rgb() for colour in (*ramps[0], *ramps[1], colours.background)])
    return image.copy()


def paint_tiles(painter: QPainter, values: Any, place: QRectF, colours: Colours) -> None:
    """Paints values from -1 to 1 as cells of equal size that fill a rectangle, a tile at a time."""
    rows, columns = values.shape
    width, height = place.width() / columns, place.height() / rows
    for row in range(0, rows, _TILE):
        for column in range(0, columns, _TILE):
            tile = values[row : row + _TILE, column : column + _TILE]
            corner = QPointF(place.left() + column * width, place.top() + row * height)
            size = QSizeF(tile.shape[1] * width, tile.shape[0] * height)
            painter.drawImage(QRectF(corner, size), cells_image(tile, colours))
