"""Logged steps of a run as columns: the valid ones, and those that resumes discarded."""

from __future__ import annotations

import math

import numpy as np

from gptdesk.training.history.event_lines import VALUES
from gptdesk.training.history.series import Floats, Series, Table


class StepLog:
    """Steps that are appended, and cut off where a run resumes. One thread may do so while others read series.

    Attributes:
        live: `VALUES` and the time in seconds of the valid steps.
    """

    def __init__(self) -> None:
        self.live = Table((*VALUES, "time"))
        self._superseded = Table((*VALUES, "time"))

    def __len__(self) -> int:
        return len(self.live)

    @property
    def last_step(self) -> float:
        """The last valid step; -inf if there is none."""
        return float(self.live.column("step")[-1]) if len(self.live) else -math.inf

    def append(self, rows: Floats, seconds: Floats) -> None:
        """Adds steps: (columns of `VALUES`, n) and (n,)."""
        self.live.append(np.vstack([rows, seconds]))

    def cut(self, step: float) -> int:
        """Moves the steps after ``step`` to the superseded ones; returns how many are left."""
        kept = int(np.searchsorted(self.live.column("step"), step, "right"))
        if kept < len(self.live):
            self._superseded.append(self.live.rows(kept))
            self.live = self.live.head(kept)
        return kept

    def series(self, metric: str) -> Series:
        """A metric of the valid steps."""
        return self.live.series(metric)

    def superseded(self, metric: str) -> Series:
        """A metric of the superseded steps, segment after segment."""
        return self._superseded.series(metric)
