"""Colour ramps with perceptually even steps, from the surface of a theme to a colour. No Qt.

A ramp is a straight line in OKLab (Ottosson 2020, "A perceptual color space for image processing",
https://bottosson.github.io/posts/oklab/), in which equal distances look equal. Lightness changes along it in one
direction, so that it can be read with any colour vision and in grey.
"""

from __future__ import annotations

from functools import cache
from typing import Final

STEPS: Final = 13
"""Colours of a ramp, the surface included: neighbours can still be told apart."""

_TO_LMS: Final = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
_TO_LAB: Final = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)
_FROM_LAB: Final = (
    (1.0, 0.3963377774, 0.2158037573),
    (1.0, -0.1055613458, -0.0638541728),
    (1.0, -0.0894841775, -1.2914855480),
)
_FROM_LMS: Final = (
    (4.0767416621, -3.3077115913, 0.2309699292),
    (-1.2684380046, 2.6097574011, -0.3413193965),
    (-0.0041960863, -0.7034186147, 1.7076147010),
)

_Three = tuple[float, float, float]
_Matrix = tuple[_Three, _Three, _Three]


@cache
def ramp(surface: str, end: str) -> tuple[str, ...]:
    """`STEPS` colours from ``surface`` to ``end``, all as ``#rrggbb``."""
    first, last = oklab(surface), oklab(end)
    shares = [step / (STEPS - 1) for step in range(STEPS)]
    return tuple(_colour([a + share * (b - a) for a, b in zip(first, last, strict=True)]) for share in shares)


def oklab(colour: str) -> _Three:
    """Lightness, green to red and blue to yellow of a colour ``#rrggbb``."""
    lms = _product(_TO_LMS, [_to_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5)])
    return _product(_TO_LAB, [value ** (1 / 3) for value in lms])


def _colour(lab: list[float]) -> str:
    linear = _product(_FROM_LMS, [value**3 for value in _product(_FROM_LAB, lab)])
    return "#" + "".join(f"{round(255 * _from_linear(min(1.0, max(0.0, value)))):02X}" for value in linear)


def _product(matrix: _Matrix, vector: list[float]) -> _Three:
    first, second, third = (sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)
    return first, second, third


def _to_linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4  # IEC 61966-2-1


def _from_linear(value: float) -> float:
    return 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055
