"""Quantisation of weights to int8, in NumPy: values from -127 to 127 and one scale per row. Imports no torch."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

_LARGEST: Final = 127
_AT_ONCE: Final = 2**17
"""Weights per block: few enough to stay in the processor's cache from one operation to the next."""

Weights = npt.NDArray[np.floating[Any]]


def quantize_rows(weights: Weights, qweight: npt.NDArray[np.int8], scales: npt.NDArray[np.float32]) -> None:
    """Rounds each row to multiples of its largest absolute weight / 127.

    Args:
        weights: (rows, columns), in any floating dtype.
        qweight: (rows, columns) int8, output.
        scales: (rows) float32, output.
    """
    for rows in _blocks(weights):
        part = weights[rows].astype(np.float32)
        scale = np.maximum(part.max(axis=1), -part.min(axis=1)) / np.float32(_LARGEST)
        scales[rows] = scale
        part /= np.where(scale > 0, scale, np.float32(1))[:, None]  # rows of zeros have the scale 0
        qweight[rows] = np.rint(part, out=part)


def _blocks(weights: Weights) -> list[slice]:
    """The rows, in blocks of `_AT_ONCE` weights or one row."""
    rows, columns = weights.shape
    count = max(1, _AT_ONCE // columns)
    return [slice(first, first + count) for first in range(0, rows, count)]
