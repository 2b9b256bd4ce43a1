"""Rounds a matrix to int4 so that its products change little, by error feedback over columns.

What counts is not the error of a weight but that of the product, (W - Q) x, whose mean square over inputs x is
tr((W - Q) H (W - Q)^T) with H = E[x x^T]. The columns are rounded one after the other, and each makes up for the errors
of those before it as far as their inputs are correlated. That is GPTQ (Frantar et al. 2022, arXiv:2210.17323) in the
form of LDLQ (Chee et al. 2023, arXiv:2307.13304, section 3): with H = M M^T, M upper triangular, the mean square is
that of (W - Q) M, in which column j has errors of the columns up to j only.
"""

from __future__ import annotations

import itertools
from typing import Final

import numpy as np
import numpy.typing as npt

from gptdesk.inference.cpu.group_size import GROUP, ZERO

Floats = npt.NDArray[np.float32]

_LOWEST: Final = -ZERO
_HIGHEST: Final = 15 - ZERO

_SHRINK: Final = (1.05, 1.0, 0.95, 0.9, 0.85, 0.8, 0.72)
"""Fractions of a group's largest weight that are tried as its range: smaller ones round the other weights finer."""

_DAMPING: Final = 0.01
"""Of the mean square of the inputs, added to that of each: a finite text shows correlations that are none. GPTQ's."""

_MOST_COLUMNS: Final = 1024
"""Columns that make up for each other's errors; the time for the factor M grows with their third power."""


def quantize_groups(weights: Floats, inputs: Floats, qweight: npt.NDArray[np.uint8], scales: Floats) -> Floats:
    """Rounds a matrix to values from -8 to 7 times a scale per group of 32 weights of a row.

    Args:
        weights: (rows, columns).
        inputs: (n, columns), vectors that the matrix is multiplied with.
        qweight: (rows, groups * 16), output: byte i of a group contains weight i of the group in its lower and weight
            16 + i in its upper four bits, with 8 added; 0 for padding.
        scales: (rows, groups), output.

    Returns:
        The weights that the output stands for, (rows, columns).
    """
    rows, columns = weights.shape
    padded = scales.shape[1] * GROUP
    target = np.zeros((padded, rows), np.float32)  # transposed: what is computed with a column is contiguous
    target[:columns] = weights.T
    numbers = np.empty((padded, rows), np.int8)
    errors = np.zeros_like(target)
    for first, last in _parts(padded):
        factor, variances = _factor(inputs[:, first:last], last - first)
        for start in range(first, last, GROUP):
            group, before = slice(start, start + GROUP), slice(first, start)
            own = slice(start - first, start - first + GROUP)
            wanted = target[group] + factor[: start - first, own].T @ errors[before]
            scale = choose_scales(wanted, variances[own])
            scales[:, start // GROUP] = scale
            _round(target[group], wanted, factor[own, own], scale, numbers[group], errors[group])
    _pack(numbers, columns, qweight)
    restored: Floats = (target - errors)[:columns].T
    return restored


def _parts(columns: int) -> list[tuple[int, int]]:
    """First and last columns of parts of about one size, at most `_MOST_COLUMNS`."""
    count = -(-columns // _MOST_COLUMNS)
    bounds = [columns // GROUP * part // count * GROUP for part in range(count + 1)]
    return list(itertools.pairwise(bounds))


def _factor(inputs: Floats, size: int) -> tuple[Floats, Floats]:
    """The matrix by which errors are fed back, (size, size), and the importance of each column, (size).

    With H = M M^T: M[i, j] / M[j, j] is what an error in column i adds to the weight wanted in column j > i; M[j, j]**2
    is the mean square of input j that later inputs cannot make up for. Columns past the inputs' are padding.
    """
    columns = inputs.shape[1]
    with np.errstate(over="ignore", invalid="ignore"):
        moments = (inputs.T @ inputs).astype(np.float64) / len(inputs)
    power = float(np.trace(moments)) / columns
    if not (0 < power < np.inf and np.isfinite(moments).all()):  # nothing to go by
        return np.eye(size, dtype=np.float32), np.ones(size, np.float32)
    h = np.eye(size)
    h[:columns, :columns] = moments / power
    h[np.diag_indices(columns)] += _DAMPING
    upper = np.linalg.cholesky(h[::-1, ::-1])[::-1, ::-1]
    diagonal = upper.diagonal().copy()
    return (upper / diagonal).astype(np.float32), (diagonal**2).astype(np.float32)


def choose_scales(weights: Floats, importance: Floats) -> Floats:
    """The scale of each group with the least squared error among some, each the best one for the values it gives.

    Args:
        weights: (32, groups).
        importance: (32), of the squared error of each weight.

    Returns:
        (groups); 0 for a group of zeros.
    """
    highest, lowest = weights.max(axis=0), weights.min(axis=0)
    extreme = np.where(highest > -lowest, highest, lowest)
    relative = weights / np.where(extreme != 0, extreme, np.float32(1))
    important = (importance / importance.mean())[:, None]
    weighted = relative * important
    best = np.full(weights.shape[1], -1, np.float32)
    scales = np.zeros_like(best)
    for shrink in _SHRINK:  # the extreme becomes -8, of which there is one more than of positive values
        numbers: Floats = np.multiply(relative, _LOWEST / shrink, dtype=np.float32)
        _to_values(numbers)
        # For these values the scale p / s has the least squared error, which is smaller by p**2 / s than with 0.
        products = np.einsum("ij,ij->j", weighted, numbers)
        np.square(numbers, out=numbers)
        squares = (important * numbers).sum(axis=0).clip(np.float32(1e-30))
        gain = products * products / squares
        better = gain > best
        best = np.where(better, gain, best)
        scales = np.where(better, products / squares, scales)
    scales *= extreme
    return scales


def _round(
    target: Floats, wanted: Floats, feedback: Floats, scale: Floats, numbers: npt.NDArray[np.int8], errors: Floats
) -> None:
    """Rounds the columns of a group, (32, rows), one after the other; writes values and errors.

    ``wanted`` is what they should be after the errors of earlier groups, and gets those of this group.
    """
    inverse = 1 / np.where(scale != 0, scale, np.float32(1))
    for column in range(GROUP):
        values = wanted[column] * inverse
        _to_values(values)
        numbers[column] = values
        np.multiply(values, scale, out=values)
        np.subtract(target[column], values, out=errors[column])
        wanted[column + 1 :] += feedback[column, column + 1 :, None] * errors[column]


def _to_values(numbers: Floats) -> None:
    """Rounds in place to the values of int4."""
    np.rint(numbers, out=numbers)
    np.clip(numbers, _LOWEST, _HIGHEST, out=numbers)


def _pack(numbers: npt.NDArray[np.int8], columns: int, qweight: npt.NDArray[np.uint8]) -> None:
    """Two values of ``numbers``, (padded columns, rows), to a byte."""
    positive = (numbers + ZERO).astype(np.uint8)
    positive[columns:] = 0
    halves = positive.reshape(-1, 2, GROUP // 2, numbers.shape[1])
    packed = halves[:, 0] | halves[:, 1] << 4  # (groups, 16, rows)
    qweight[:] = packed.reshape(-1, numbers.shape[1]).T
