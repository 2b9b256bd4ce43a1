"""A metric of a run over its steps, and what of it fits on a screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

METRICS: Final = (
    "loss", "grad_norm", "lr", "tokens_per_s", "memory", "mfu", "data", "forward", "backward", "optimizer",
)  # fmt: skip
"""What every logged step tells; the last four are the milliseconds of its parts."""

AXES: Final = ("step", "tokens", "time")


@dataclass(frozen=True)
class Series:
    """One metric in the order of its events; float64 arrays of shape (n,) that cannot be written to.

    Attributes:
        step: of the optimizer.
        tokens: learnt until then.
        time: seconds since the first event of the run; a clock that was set back does not set it back.
        value: NaN where it was not finite, or is missing.
    """

    step: Floats
    tokens: Floats
    time: Floats
    value: Floats

    def x(self, axis: str) -> Floats:
        """Where the points are on one of `AXES`."""
        assert axis in AXES
        return {"step": self.step, "tokens": self.tokens, "time": self.time}[axis]

    def __len__(self) -> int:
        return len(self.value)


def decimate(x: Floats, y: Floats, lo: float, hi: float, pixels: int) -> tuple[Floats, Floats]:
    """What a screen shows of a curve between ``lo`` and ``hi``, in at most four points a pixel."""
    raise NotImplementedError


def with_gaps(step: Floats, value: Floats) -> Mask:
    """Marks the points after which a line is broken."""
    raise NotImplementedError
