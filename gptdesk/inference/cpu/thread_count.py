"""How many threads are fastest just now: beside other work, one for each core may be slower than one alone."""

from __future__ import annotations

from typing import Final

_TRIAL_EVERY: Final = 24
"""Steps between two with another number of threads; a trial that is slower costs little over so many."""

_WEIGHT: Final = 0.3
"""Of the latest step in the averages: one unlucky trial decides little, and a change shows within seconds."""

_BETTER: Final = 0.95
"""Share of the time that another number must take to be chosen."""


class ThreadCount:
    """Chooses the number of threads for each step by how long steps took; climbs to the best number one by one.

    A thread that the system takes off its core in the middle of a task keeps all others waiting for milliseconds, as
    long as a whole step. So where other programs want a core, it is better left to them.

    Args:
        most: never more than these.
    """

    def __init__(self, most: int) -> None:
        assert most >= 1
        self._most = most
        self._best = most
        self._seconds: dict[int, float] = {}
        self._steps = 0

    def choose(self) -> int:
        """For the next step: the best number known, or now and then its neighbour above or below."""
        self._steps += 1
        if self._steps % _TRIAL_EVERY:
            return self._best
        step = 1 if self._steps // _TRIAL_EVERY % 2 else -1
        trial = self._best + step if 1 <= self._best + step <= self._most else self._best - step
        return max(1, min(trial, self._most))

    def took(self, count: int, seconds: float) -> None:
        """A step with ``count`` threads took so long."""
        before = self._seconds.get(count, seconds)
        self._seconds[count] = before + _WEIGHT * (seconds - before)
        if count != self._best and self._seconds[count] < _BETTER * self._seconds.get(self._best, float("inf")):
            self._best = count
