"""The scale by which tokens are coloured by their surprisal."""

from __future__ import annotations

from typing import Final

MOST_BITS: Final = 12.0
"""Surprisal with the strongest colour: one token in 4,096."""

LOW: Final = "0"
HIGH: Final = "12 bits and more"
"""What no colour and the strongest colour stand for, in a legend."""

STRONGEST_LIGHT: Final = "#F0924A"
STRONGEST_DARK: Final = "#9C5216"
"""The strongest colour in each theme."""


def level(bits: float) -> float:
    """0 (no colour) to 1 (the strongest) and more."""
    return bits / MOST_BITS
