"""Layout of int4 weights, on which kernel and quantiser must agree. Imports nothing."""

from __future__ import annotations

from typing import Final

GROUP: Final = 32
"""int4 weights that share a scale."""

ZERO: Final = 8
"""The unsigned 4-bit value of 0."""


def groups_in(columns: int) -> int:
    """Number of int4 groups in a row of ``columns`` weights; the last group is padded with zeros."""
    return -(-columns // GROUP)
