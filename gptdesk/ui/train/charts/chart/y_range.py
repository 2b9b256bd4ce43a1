"""The y range that shows the values of a chart well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from gptdesk.ui.train.charts.curves.y_scale import Floats

_ROUNDING: Final = 1e-9
"""Values that differ by no more than this share of them are one value."""

_ABOVE: Final = 0.06
"""Margin above the highest and below the lowest value, as a share of their distance."""

_OUTLIER: Final = 8.0
"""Values further from the 1st and 99th percentile than so many times their distance do not set the range."""


def y_range(values: Sequence[Floats], *, below: float, from_zero: bool) -> tuple[float, float]:
    """Returns the lowest and the highest coordinate.

    Args:
        values: coordinates that should be visible, far outliers excepted; NaN is left out.
        below: share of the height that stays free below the lowest value.
        from_zero: whether the range begins at zero, or at the lowest value if that is negative.
    """
    found = np.concatenate([np.empty(0), *values])
    found = found[np.isfinite(found)]
    if not len(found):
        return (0.0, 1.0)
    low, high = _without_outliers(found)
    if from_zero:
        return (min(0.0, low), high + _ABOVE * (high - min(0.0, low)) or 1.0)
    spread = high - low
    if spread <= _ROUNDING * abs(high):  # a constant, whose averages differ by rounding
        spread = abs(high) * 0.1 or 1.0
    share = min(below, 0.5)
    return (low - spread * max(_ABOVE, share / (1 - share)), high + _ABOVE * spread)


def _without_outliers(values: Floats) -> tuple[float, float]:
    """Range of the values without far outliers."""
    low, high = float(values.min()), float(values.max())
    bottom, top = (float(value) for value in np.quantile(values, (0.01, 0.99)))
    reach = _OUTLIER * ((top - bottom) or abs(top) or 1.0)
    return (low if low >= bottom - reach else bottom, high if high <= top + reach else top)
