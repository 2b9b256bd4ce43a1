"""Icons drawn from our own SVG files in any colour."""

from __future__ import annotations

import functools
from typing import Final

from PySide6.QtCore import QByteArray, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QIconEngine, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from gptdesk.resource_files import resource

SIZE: Final = 16
"""Side of an icon in a control, in pixels of a standard screen."""


@functools.cache
def icon(name: str, colour: str, disabled: str | None = None) -> QIcon:
    """The icon of that name in ``colour``, sharp in every size; it is drawn when it is first shown.

    Args:
        name: of a file in ``resources/icons``, without ``.svg``.
        colour: of its lines, ``#rrggbb``.
        disabled: colour on a disabled control.
    """
    return QIcon(_SvgEngine(name, colour, disabled or colour))


def paint_icon(painter: QPainter, name: str, colour: str, rect: QRectF) -> None:
    """Draws the icon into ``rect``."""
    _renderer(name, colour).render(painter, rect)


class _SvgEngine(QIconEngine):
    """Draws what is asked for; Qt's own engine would draw each size and each state when the icon is made."""

    def __init__(self, name: str, colour: str, disabled: str) -> None:
        super().__init__()
        self._name, self._colour, self._disabled = name, colour, disabled

    def clone(self) -> QIconEngine:
        return _SvgEngine(self._name, self._colour, self._disabled)

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        paint_icon(painter, self._name, self._colour_in(mode), QRectF(rect))

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        return _pixmap(self._name, self._colour_in(mode), size.width(), size.height())

    def _colour_in(self, mode: QIcon.Mode) -> str:
        return self._disabled if mode == QIcon.Mode.Disabled else self._colour


@functools.cache
def _renderer(name: str, colour: str) -> QSvgRenderer:
    return QSvgRenderer(QByteArray(_source(name).replace("currentColor", colour).encode()))


@functools.cache
def _source(name: str) -> str:
    return resource("icons", f"{name}.svg").read_text(encoding="utf-8")


@functools.lru_cache(maxsize=256)
def _pixmap(name: str, colour: str, width: int, height: int) -> QPixmap:
    """The icon in so many pixels of the screen."""
    pixmap = QPixmap(width, height)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    side = min(width, height)
    paint_icon(painter, name, colour, QRectF((width - side) / 2, (height - side) / 2, side, side))
    painter.end()
    return pixmap
