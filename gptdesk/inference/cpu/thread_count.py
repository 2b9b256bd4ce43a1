"""Adapts the number of threads to the load: beside other programs, one per core may be slower than one alone."""

from __future__ import annotations

from typing import Final

_TRIAL_EVERY: Final = 24
"""Steps between two trials of another number of threads; so many make a slow trial cheap."""

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
        self._best = most
        self._seconds: dict[int, float] = {}
        self._steps = 0

    def choose(self) -> int:
        """Number of threads for the next step: the best so far, or every `_TRIAL_EVERY` steps one more or fewer."""
        self._steps += 1
        if self._steps % _TRIAL_EVERY:
            return self._best
        step = 1 if self._steps // _TRIAL_EVERY % 2 else -1
        trial = self._best + step if 1 <= self._best + step <= self._most else self._best - step
        return max(1, min(trial, self._most))

    def took(self, count: int, seconds: float) -> None:
        """Records the duration of a step with ``count`` threads."""
        before = self._seconds.get(count, seconds)
        self._seconds[count] = before + _WEIGHT * (seconds - before)
        if count != self._best and self._seconds[count] < _BETTER * self._seconds.get(self._best, float("inf")):
            self._best = count
