"""Adapts the number of threads to the load: beside other programs, one per core may be slower than one alone."""

from __future__ import annotations

from typing import Final

_TRIAL_EVERY: Final = 48
"""Steps from one trial of another number of threads to the next; so many make a slow trial cheap."""

_TRIAL: Final = 3
"""Steps of a trial. The first is not recorded: in it threads wake, which the system may put on a core that is taken."""

_WEIGHT: Final = 0.3
"""Weight of the latest step in the running averages: one slow trial decides little, a change shows within seconds."""

_BETTER: Final = 0.95
"""Another number of threads is chosen if it takes less than this fraction of the time."""


class ThreadCount:
    """Chooses the number of threads for each step from the durations of earlier steps, by hill climbing.

    A thread that the system preempts in the middle of a task keeps all others waiting for milliseconds, as long as a
    whole step. So where other programs need a core, fewer threads are faster.

    Args:
        most: largest number of threads.
    """

    def __init__(self, most: int) -> None:
        assert most >= 1
        self._most = most
        self._best = self._trial = most
        self._direction = -1
        self._seconds: dict[int, float] = {}
        self._steps = 0

    def choose(self) -> int:
        """Number of threads for the next step: the best so far, or every `_TRIAL_EVERY` steps one more or fewer."""
        self._steps += 1
        place = self._steps % _TRIAL_EVERY
        if place == 0:
            if self._best != self._trial:  # the last trial was slower
                self._direction = -self._direction
            if not 1 <= self._best + self._direction <= self._most:
                self._direction = -self._direction
            self._trial = max(1, min(self._best + self._direction, self._most))
        return self._trial if place < _TRIAL else self._best

    def took(self, count: int, seconds: float) -> None:
        """Records the duration of a step with ``count`` threads."""
        if self._steps % _TRIAL_EVERY == 0:
            return
        before = self._seconds.get(count, seconds)
        self._seconds[count] = before + _WEIGHT * (seconds - before)
        if count != self._best and self._seconds[count] < _BETTER * self._seconds.get(self._best, float("inf")):
            self._best = count
