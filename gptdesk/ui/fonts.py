"""Which typefaces the window uses: the system's own for the interface, a serif for reading."""

from __future__ import annotations

import sys
from typing import Final

from PySide6.QtGui import QFont, QFontDatabase, QGuiApplication

_PROSE: Final = (
    "Noto Serif",
    "Source Serif 4",
    "Literata",
    "Charter",
    "Georgia",
    "Cambria",
    "Liberation Serif",
    "DejaVu Serif",
)
"""Serif faces made for reading, best first; systems have one or the other."""

_PLAIN: Final = ("Inter", "Noto Sans", "Cantarell", "Ubuntu", "Open Sans", "DejaVu Sans")
"""For a Linux without a desktop's own choice, where Qt falls back to an alias."""

_SMALLEST: Final = 13
"""Interface text is at least so many pixels high."""


def interface_font() -> QFont:
    """The system's face, never smaller than can be read, with figures of one width, so that numbers do not jump."""
    font = QFont(QGuiApplication.font())
    if sys.platform.startswith("linux") and font.family() in ("Sans Serif", "Sans"):
        font.setFamilies(_installed(_PLAIN))
    if font.pointSizeF() > 0:
        pixels = font.pointSizeF() * QGuiApplication.primaryScreen().logicalDotsPerInch() / 72
        font.setPixelSize(max(_SMALLEST, round(pixels)))
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def scaled(pixels: int) -> int:
    """A length that fits words of the usual size, for words of the size that the system asks for."""
    return round(pixels * max(1.0, QGuiApplication.font().pixelSize() / _SMALLEST))


def prose_font(pixels: int) -> QFont:
    """The face of the text that a person and a model write."""
    font = QFont()
    font.setFamilies([*_installed(_PROSE), "serif"])
    font.setStyleHint(QFont.StyleHint.Serif)
    font.setPixelSize(pixels)
    return font


def smaller(font: QFont) -> QFont:
    """For labels under icons and other asides."""
    small = QFont(font)
    small.setPixelSize(max(11, font.pixelSize() - 1))
    return small


def fixed_font() -> QFont:
    """For tracebacks."""
    return QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)


def _installed(families: tuple[str, ...]) -> list[str]:
    there = set(QFontDatabase.families())
    return [family for family in families if family in there] or [families[-1]]
