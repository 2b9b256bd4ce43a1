"""Scales of sliders: position to value and back. No Qt."""

from __future__ import annotations

import math
from typing import Final, Protocol

import msgspec

STEPS: Final = 1000
"""Largest position of a slider; the smallest is 0."""


class Scale(Protocol):
    """Maps positions to values and back; values beyond the slider map to its nearer end."""

    def value(self, position: int) -> float: ...

    def position(self, value: float) -> int: ...


class Power(msgspec.Struct, frozen=True):
    """From 0 to ``highest`` as a power of the position, with ``middle`` half way."""

    highest: float
    middle: float

    @property
    def exponent(self) -> float:
        return math.log(self.middle / self.highest, 0.5)

    def value(self, position: int) -> float:
        return self.highest * (position / STEPS) ** self.exponent

    def position(self, value: float) -> int:
        return round(STEPS * min(max(value / self.highest, 0), 1) ** (1 / self.exponent))


class Linear(msgspec.Struct, frozen=True):
    """From ``lowest`` to ``highest``."""

    lowest: float
    highest: float

    def value(self, position: int) -> float:
        return self.lowest + (self.highest - self.lowest) * position / STEPS

    def position(self, value: float) -> int:
        share = (value - self.lowest) / (self.highest - self.lowest)
        return round(STEPS * min(max(share, 0), 1))


class LogThenOff(msgspec.Struct, frozen=True):
    """Whole numbers from 1 to ``highest``, logarithmic; the last position is ``off``."""

    highest: float
    off: float = 0.0

    def value(self, position: int) -> float:
        if position >= STEPS:
            return self.off
        return float(max(1, round(self.highest ** (position / (STEPS - 1)))))

    def position(self, value: float) -> int:
        if value == self.off:
            return STEPS
        return round((STEPS - 1) * math.log(min(max(value, 1), self.highest), self.highest))
