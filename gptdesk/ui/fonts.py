"""Typefaces of the window: Inter for the interface, Literata for reading; both ship in ``resources/fonts``."""

from __future__ import annotations

import functools
import logging
from typing import Final

from PySide6.QtGui import QFont, QFontDatabase, QFontInfo, QGuiApplication

from gptdesk.resource_files import resource

log = logging.getLogger(__name__)

INTERFACE: Final = "Inter"
READING: Final = "Literata"

_FILES: Final = (
    "Inter-Regular.ttf",
    "Inter-Medium.ttf",
    "Inter-SemiBold.ttf",
    "Literata-Regular.ttf",
    "Literata-SemiBold.ttf",
)

_SERIFS: Final = (READING, "Source Serif 4", "Noto Serif", "Charter", "Georgia", "Cambria", "DejaVu Serif", "serif")
"""What reads well where the file of the first cannot be loaded or lacks a glyph, best first."""

_reading_face = ["serif"]
"""The face that `prose_font` uses now."""

_SMALLEST: Final = 13
"""Least size of interface text, in pixels."""


@functools.cache
def load_fonts() -> tuple[str, ...]:
    """Makes the typefaces known to Qt, once a process, and returns the names of those that could not be loaded."""
    missing = tuple(name for name in _FILES if QFontDatabase.addApplicationFont(str(resource("fonts", name))) < 0)
    if missing:
        log.warning("fonts that cannot be loaded: %s", ", ".join(missing))
    return missing


def interface_font() -> QFont:
    """Inter in the size that the system asks for, at least 13 pixels, with tabular figures so that numbers stay put."""
    load_fonts()
    font = QFont(QGuiApplication.font())
    font.setFamilies([INTERFACE, *(family for family in font.families() if family != INTERFACE)])
    if font.pointSizeF() > 0:
        pixels = font.pointSizeF() * QGuiApplication.primaryScreen().logicalDotsPerInch() / 72
        font.setPixelSize(max(_SMALLEST, round(pixels)))
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def scaled(pixels: int) -> int:
    """Scales a length that fits interface text of 13 pixels to the size in force."""
    return round(pixels * max(1.0, QGuiApplication.font().pixelSize() / _SMALLEST))


def use_reading_face(face: str) -> None:
    """Makes `prose_font` use that face: "serif" (Literata), "sans" (Inter) or "mono" (the system's)."""
    _reading_face[0] = face


def prose_font(pixels: int) -> QFont:
    """The face of the text that a person and a model write: Literata, unless the person chose another."""
    load_fonts()
    font, hint = QFont(), QFont.StyleHint
    if _reading_face[0] == "mono":
        font = fixed_font()
    else:
        serif = _reading_face[0] == "serif"
        font.setFamilies(list(_SERIFS) if serif else [INTERFACE, "sans-serif"])
        font.setStyleHint(hint.Serif if serif else hint.SansSerif)
    font.setPixelSize(pixels)
    return font


def smaller(font: QFont) -> QFont:
    """One pixel smaller, at least 11: for captions and notes."""
    small = QFont(font)
    small.setPixelSize(max(11, font.pixelSize() - 1))
    return small


def fixed_font() -> QFont:
    """The system's monospaced face, for tracebacks and logs; not smaller than the interface text, less a pixel."""
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
    font.setPixelSize(max(QFontInfo(font).pixelSize(), QGuiApplication.font().pixelSize() - 1))
    return font
