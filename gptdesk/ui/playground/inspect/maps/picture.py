"""Pictures of views as PNG or SVG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRect, QSize
from PySide6.QtGui import QColor, QImage, QImageWriter, QPainter
from PySide6.QtSvg import QSvgGenerator

from gptdesk.ui.palette import Colours

_MARGIN: Final = 16
_GAP: Final = 24
"""Between two parts of a picture."""

_SCALE: Final = 2
"""Pixels of a small picture for one of the screen, so that it can be printed."""

_LARGEST: Final = 8192
"""Pixels that a picture may be wide or high to have more of them than the screen."""


class Pictured(Protocol):
    """A part of a picture: all of it, not only what the screen shows."""

    def picture_size(self) -> QSize: ...
    def paint_picture(self, painter: QPainter, place: QRect) -> None: ...


def png_of(parts: Sequence[Pictured], colours: Colours) -> QImage:
    """A picture of all parts, from left to right."""
    size = _size(parts)
    scale = _SCALE if _SCALE * max(size.width(), size.height()) <= _LARGEST else 1
    image = QImage(size * scale, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(scale)
    painter = QPainter(image)
    _paint(parts, painter, size, colours)
    painter.end()
    return image


def png_bytes(image: QImage) -> bytes:
    """The contents of a PNG file."""
    content, buffer = _buffer()
    QImageWriter(buffer, QByteArray(b"png")).write(image)
    return bytes(content.data())


def svg_of(parts: Sequence[Pictured], colours: Colours, title: str) -> bytes:
    """The contents of an SVG file with a picture of all parts; words are text in it."""
    content, buffer = _buffer()
    size = _size(parts)
    generator = QSvgGenerator(QSvgGenerator.SvgVersion.Svg11)
    generator.setOutputDevice(buffer)
    generator.setSize(size)
    generator.setViewBox(QRect(0, 0, size.width(), size.height()))
    generator.setResolution(96)
    generator.setTitle(title)
    painter = QPainter(generator)
    _paint(parts, painter, size, colours)
    painter.end()
    return bytes(content.data())


def _buffer() -> tuple[QByteArray, QBuffer]:
    content = QByteArray()
    buffer = QBuffer(content)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    return content, buffer


def _size(parts: Sequence[Pictured]) -> QSize:
    sizes = [part.picture_size() for part in parts]
    width = sum(size.width() for size in sizes) + _GAP * (len(sizes) - 1)
    return QSize(width + 2 * _MARGIN, max(size.height() for size in sizes) + 2 * _MARGIN)


def _paint(parts: Sequence[Pictured], painter: QPainter, size: QSize, colours: Colours) -> None:
    painter.fillRect(QRect(0, 0, size.width(), size.height()), QColor(colours.surface))
    left = _MARGIN
    for part in parts:
        own = part.picture_size()
        painter.save()
        part.paint_picture(painter, QRect(left, _MARGIN, own.width(), own.height()))
        painter.restore()
        left += own.width() + _GAP
