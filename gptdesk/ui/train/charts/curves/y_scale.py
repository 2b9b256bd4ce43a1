"""How values become coordinates on a y axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from gptdesk.training.history.loss_source import LossSource

Floats = npt.NDArray[np.float64]


def to_view(values: Floats, *, log: bool) -> Floats:
    """Coordinates on an axis: the values, or their base-10 logarithms, NaN where there is none."""
    if not log:
        return values
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(values > 0, np.log10(values), np.nan)


@dataclass(frozen=True)
class YScale:
    """A conversion that keeps the order of values, so that a curve can be smoothed and decimated before it.

    Attributes:
        log: whether the axis is logarithmic.
        source: converts losses to the unit of the chart; None where values are drawn as recorded.
    """

    log: bool = False
    source: LossSource | None = None

    def values(self, recorded: Floats) -> Floats:
        """Recorded values in the unit of the axis."""
        return recorded if self.source is None else self.source.convert(recorded)

    def value(self, recorded: float) -> float:
        """One recorded value in the unit of the axis."""
        return float(self.values(np.array([recorded]))[0])

    def places(self, recorded: Floats) -> Floats:
        """Coordinates of recorded values."""
        return to_view(self.values(recorded), log=self.log)


LINEAR: Final = YScale()
