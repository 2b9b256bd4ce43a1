"""Debiased exponential moving average, and the gaps of a curve."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from gptdesk.training.history.series import Floats

_BLOCK: Final = 32
"""Values averaged by one matrix product; larger blocks multiply more, smaller ones need more passes."""

_FAR: Final = 3
"""A distance so many times larger than both neighbouring ones is a gap."""


def smooth(y: Floats, factor: float) -> Floats:
    """The exponential moving average of a curve, of the same length, with Adam's bias correction.

    Each value weighs ``factor`` times as much as the next one; the weights add up to one from the first value on. A
    value that is not finite has no weight and stays NaN.

    Args:
        y: (n,).
        factor: from 0, which changes nothing, to below 1.
    """
    assert 0 <= factor < 1
    finite = np.isfinite(y)
    everything = bool(finite.all())
    if factor == 0:
        return y.copy() if everything else np.where(finite, y, np.nan)
    average = _accumulate(y if everything else y[finite], factor)
    average *= 1 - factor
    # From there on the sum of the weights is 1 to the last bit.
    young = min(len(average), int(37 / -np.log(factor)) + 1)
    average[:young] /= 1 - factor ** np.arange(1, young + 1)
    if everything:
        return average
    smoothed: Floats = np.full(len(y), np.nan)
    smoothed[finite] = average
    return smoothed


def _accumulate(values: Floats, factor: float) -> Floats:
    """s[i] = factor * s[i - 1] + values[i], a block at a time; the last sums of the blocks are such sums themselves."""
    count = len(values)
    blocks: Floats = np.zeros((-(-count // _BLOCK), _BLOCK))
    blocks.ravel()[:count] = values
    distance = np.arange(_BLOCK)[:, None] - np.arange(_BLOCK)
    kernel = np.where(distance >= 0, factor ** np.maximum(distance, 0), 0.0)  # (sum, value)
    sums: Floats = blocks @ kernel.T
    if len(sums) > 1:
        carried = _accumulate(sums[:, -1], factor**_BLOCK)
        sums[1:] += carried[:-1, None] * factor ** np.arange(1, _BLOCK + 1)
    return sums.ravel()[:count]


def with_gaps(step: Floats, value: Floats) -> npt.NDArray[np.bool_]:
    """Marks the points after which a line is broken: (n,), the last one never.

    A line is broken where a value is not finite, where the steps go back (a resumed run), and where the distance to the
    next point is much larger than both neighbouring distances, because records were lost. A changed logging interval
    is no gap: all later points are as far apart.
    """
    broken = np.zeros(len(step), dtype=np.bool_)
    if len(step) < 2:
        return broken
    distance = np.diff(step)
    missing = ~np.isfinite(value)
    broken[:-1] = (distance <= 0) | missing[:-1] | missing[1:]
    usual = np.where(distance > 0, distance, np.inf)
    broken[1:-2] |= distance[1:-1] > _FAR * np.maximum(usual[:-2], usual[2:])
    return broken
