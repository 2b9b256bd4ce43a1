"""Quantisation of weights to int8 or int4, in NumPy. `dequantize` has the way back.

int8: values from -127 to 127 and one scale per row. int4: values from -8 to 7 and one scale per group of 32 weights of
a row, as in llama.cpp's Q4_0 (ggml/src/ggml-quants.c).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gptdesk.inference.cpu.group_size import GROUP

_LARGEST: Final = 127
ZERO: Final = 8
"""The unsigned 4-bit value of 0."""

_SHRINK: Final = (1.0, 0.95, 0.9, 0.85)
"""Fractions of a group's largest weight that are tried as its range: smaller ones round the other weights finer."""

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


def groups_in(columns: int) -> int:
    """Number of int4 groups in a row of ``columns`` weights; the last group is padded with zeros."""
    return -(-columns // GROUP)


def quantize_groups(weights: Weights, qweight: npt.NDArray[np.uint8], scales: npt.NDArray[np.float32]) -> None:
    """Rounds each group of 32 weights to 16 multiples of a scale, chosen from a few by least squared error.

    Args:
        weights: (rows, columns), in any floating dtype.
        qweight: (rows, groups * 16) uint8, output: byte i of a group contains weight i of the group in its lower and
            weight 16 + i in its upper four bits, with 8 added; 0 for padding.
        scales: (rows, groups) float32, output.
    """
    columns, groups = weights.shape[1], scales.shape[1]
    for rows in _blocks(weights):
        padded = np.zeros((len(weights[rows]), groups * GROUP), np.float32)
        padded[:, :columns] = weights[rows]
        w = padded.reshape(-1, GROUP)  # (rows * groups, 32)
        numbers, scale = _round_groups(w)
        scales[rows] = scale.reshape(-1, groups)
        numbers += ZERO
        positive = numbers.astype(np.uint8).reshape(len(padded), -1)
        positive[:, columns:] = 0
        halves = positive.reshape(-1, groups, 2, GROUP // 2)
        qweight[rows] = (halves[:, :, 0] | halves[:, :, 1] << 4).reshape(len(padded), -1)


def _round_groups(w: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Values from -8 to 7 of groups, (groups, 32), and their scales, (groups)."""
    extreme = np.take_along_axis(w, np.abs(w).argmax(axis=1, keepdims=True), axis=1)
    best = np.full((len(w), 1), np.inf, np.float32)
    numbers = np.zeros_like(w)
    for shrink in _SHRINK:  # the extreme becomes -8, of which there is one more than of positive values
        tried = extreme * np.float32(-shrink / ZERO)
        rounded = np.rint(w / np.where(tried != 0, tried, np.float32(1))).clip(-ZERO, ZERO - 1)
        error = np.square(rounded * tried - w).sum(axis=1, keepdims=True)
        better = error < best
        best = np.where(better, error, best)
        numbers = np.where(better, rounded, numbers)
    # The scale with the least squared error for these values.
    fitted = (w * numbers).sum(axis=1) / np.square(numbers).sum(axis=1).clip(1)
    return numbers, fitted


def _blocks(weights: Weights) -> list[slice]:
    """The rows, in blocks of `_AT_ONCE` weights or one row."""
    rows, columns = weights.shape
    count = max(1, _AT_ONCE // columns)
    return [slice(first, first + count) for first in range(0, rows, count)]
