"""The number of quantised weights that share a scale, on which kernel and quantiser must agree. Imports nothing."""

from __future__ import annotations

from typing import Final

GROUP: Final = 32
"""Weights of 4 bits that share a scale."""
