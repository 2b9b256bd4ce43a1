"""Logged steps of a run as columns: those that count, and those that resumes left behind."""

from __future__ import annotations

import math
from collections import deque
from typing import Final

import numpy as np

from gptdesk.training.history.event_lines import FIRST, LATER
from gptdesk.training.history.series import AXES, Floats, Series, Table

_MANY: Final = 10_000
"""From this many expected steps on, memory is reserved in advance."""


class StepLog:
    """Steps that are appended, and cut off where a run resumes. One thread may do so while others read series.

    The columns of `LATER` are appended separately and may lag behind; they are cut where the others were. Until they
    are complete, their series are shorter.

    Attributes:
        live: the columns of `FIRST` and the time in seconds, of the steps that count.
    """

    def __init__(self) -> None:
        self.live = Table((*FIRST, "time"))
        self._superseded = Table((*FIRST, "time"))
        self._later = Table(LATER)
        self._later_superseded = Table(LATER)
        self._logged = self._later_logged = 0  # steps ever appended
        self._cuts: deque[tuple[int, int]] = deque()  # (steps ever appended, steps kept), for LATER
        self.publish()

    def __len__(self) -> int:
        return len(self.live)

    @property
    def last_step(self) -> float:
        """The last step that counts; -inf when there is none."""
        return float(self.live.column("step")[-1]) if len(self.live) else -math.inf

    def reserve(self, rows: int) -> None:
        """Reserves memory for this many further steps."""
        if rows > _MANY:
            self.live.reserve(len(self.live) + rows)

    def append(self, rows: Floats, seconds: Floats) -> None:
        """Adds steps: (columns of `FIRST`, n) and (n,)."""
        self.live.append(rows, seconds)
        self._logged += rows.shape[1]

    def cut(self, step: float) -> int:
        """Moves the steps after ``step`` to the superseded ones, in `LATER` as they come; returns how many are left."""
        kept = int(np.searchsorted(self.live.column("step"), step, "right"))
        if kept < len(self.live):
            self._superseded.append(self.live.rows(kept))
            self.live = self.live.head(kept)
            self._cuts.append((self._logged, kept))
        return kept

    def append_later(self, rows: Floats) -> None:
        """Adds (columns of `LATER`, n) of steps that were appended before, in their order."""
        if len(self.live) - len(self._later) > _MANY:
            self._later.reserve(len(self.live))
        while self._cuts and self._cuts[0][0] <= self._later_logged + rows.shape[1]:
            logged, kept = self._cuts.popleft()
            before = logged - self._later_logged
            self._fill(rows[:, :before])
            rows = rows[:, before:]
            self._later_superseded.append(self._later.rows(kept))
            self._later = self._later.head(kept)
        self._fill(rows)

    def _fill(self, rows: Floats) -> None:
        self._later.append(rows)
        self._later_logged += rows.shape[1]

    def publish(self) -> None:
        """Makes appended `LATER` values visible in series."""
        kept = min((kept for _, kept in self._cuts), default=len(self._later))
        self._shown = self.live, self._later, min(kept, len(self._later))

    def series(self, metric: str) -> Series:
        """A metric of the steps that count."""
        if metric in LATER:
            return _series(metric, *self._shown)
        return self.live.series(metric)

    def superseded(self, metric: str) -> Series:
        """A metric of the superseded steps, segment after segment."""
        if metric in LATER:
            return _series(metric, self._superseded, self._later_superseded, len(self._later_superseded))
        return self._superseded.series(metric)


def _series(metric: str, first: Table, later: Table, rows: int) -> Series:
    step, tokens, time = (first.column(axis)[:rows] for axis in AXES)
    return Series(step, tokens, time, later.column(metric)[:rows])
