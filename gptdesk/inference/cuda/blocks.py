"""Sizes of the blocks that Triton's kernels work on."""

from __future__ import annotations


def padded(size: int) -> int:
    """The next power of two, which Triton's blocks are made of."""
    return 1 << max(0, size - 1).bit_length()
