"""Turns the times of events into seconds since the first event of a run."""

from __future__ import annotations

from typing import Final

import numpy as np

from gptdesk.training.history.series import Floats

END_OF_TIME: Final = 1e12
"""Largest valid time, in seconds since the epoch."""


class EventClock:
    """Turns times of events into seconds since the first one. Never goes back, even if the system clock did.

    Attributes:
        last: the newest time, in seconds since the epoch.
        now: the seconds of the newest event.
    """

    def __init__(self) -> None:
        self._first: float | None = None
        self._set_back = 0.0
        self.last = 0.0
        self.now = 0.0

    def seconds(self, t: Floats) -> Floats:
        """Seconds of (n,) consecutive times, n >= 1; an invalid time counts as the one before."""
        told = np.abs(t) < END_OF_TIME
        if not told.all():
            known = np.maximum.accumulate(np.where(told, np.arange(len(t)), -1))
            t = np.where(known < 0, self.last, t[known])
        if self.last <= t[0] and (t[1:] >= t[:-1]).all() and self._first is not None:
            seconds: Floats = np.maximum(t - self._first + self._set_back, self.now)  # sums may differ in the last bit
            self.last, self.now = float(t[-1]), float(seconds[-1])
            return seconds
        return np.array([self.moment(moment) for moment in t.tolist()])

    def moment(self, t: float) -> float:
        """Seconds of one time, which follows the ones before."""
        if self._first is None:
            self._first = self.last = t
        self._set_back += max(self.last - t, 0.0)
        self.last = t
        self.now = max(self.now, t - self._first + self._set_back)
        return self.now
