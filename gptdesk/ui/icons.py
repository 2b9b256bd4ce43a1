"""Icons drawn from our own SVG files in any colour."""

from __future__ import annotations

import functools
from typing import Final

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from gptdesk.resource_files import resource

SIZE: Final = 16
"""Side of an icon in a control, in pixels of a standard screen."""

_SCALES: Final = (1, 2, 3)


@functools.cache
def _source(name: str) -> str:
    return resource("icons", f"{name}.svg").read_text(encoding="utf-8")


@functools.cache
def icon(name: str, colour: str, disabled: str | None = None, size: int = SIZE) -> QIcon:
    """The icon of that name in ``colour``, sharp on screens up to three times the standard density.

    Args:
        name: of a file in ``resources/icons``, without ``.svg``.
        colour: of its lines, ``#rrggbb``.
        disabled: colour on a control that cannot be used.
        size: side in pixels of a standard screen.
    """
    made = QIcon()
    for scale in _SCALES:
        made.addPixmap(_pixmap(name, colour, size, scale))
        if disabled:
            made.addPixmap(_pixmap(name, disabled, size, scale), QIcon.Mode.Disabled)
    return made


def paint_icon(painter: QPainter, name: str, colour: str, rect: QRectF) -> None:
    """Draws the icon into ``rect``."""
    _renderer(name, colour).render(painter, rect)


@functools.cache
def _renderer(name: str, colour: str) -> QSvgRenderer:
    return QSvgRenderer(QByteArray(_source(name).replace("currentColor", colour).encode()))


def _pixmap(name: str, colour: str, size: int, scale: int) -> QPixmap:
    pixmap = QPixmap(size * scale, size * scale)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    _renderer(name, colour).render(painter)
    painter.end()
    pixmap.setDevicePixelRatio(scale)
    return pixmap
