"""Weights in 8 bits: whole numbers from -127 to 127, and one scale for each row."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

_LARGEST: Final = 127
_AT_ONCE: Final = 2**17
"""Weights worked on at once: few enough to stay in the processor's cache between one operation and the next."""


def quantize_rows(weights: Tensor, out: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Rounds each row to multiples of the 127th part of its largest weight.

    Args:
        weights: (rows, columns), on the CPU, in any floating dtype.
        out: (rows, columns) int8, where the numbers go; fresh memory when not given.

    Returns:
        (rows, columns) int8 and (rows) float32; what they stand for is `dequantize_rows`.
    """
    numbers = torch.empty(weights.shape, dtype=torch.int8) if out is None else out
    scales = torch.empty(len(weights), dtype=torch.float32)
    rows = max(1, _AT_ONCE // weights.shape[1])
    for part, rounded, scale in zip(weights.split(rows), numbers.split(rows), scales.split(rows), strict=True):
        part = part.float()
        lowest, highest = part.aminmax(dim=1)
        torch.maximum(highest, -lowest, out=scale).div_(_LARGEST)
        divisor = scale.where(scale > 0, 1)  # rows of zeros have the scale 0
        rounded.copy_((part / divisor[:, None]).round_())
    return numbers, scales


def dequantize_rows(numbers: Tensor, scales: Tensor) -> Tensor:
    """The float32 weights for which int8 ``numbers``, (rows, columns), and their ``scales``, (rows), stand."""
    return numbers.float() * scales[:, None]
