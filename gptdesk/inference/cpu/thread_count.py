"""Adapts the number of threads to the load: beside other programs, one per core may be slower than one alone."""

from __future__ import annotations

from collections import deque
from statistics import median
from typing import Final

_TRIAL_EVERY: Final = 64
"""Steps from one trial of another number of threads to the next; so many make a slow trial cheap."""

_TRIAL: Final = 5
"""Steps of a trial. The first does not count: in it threads wake, which the system may put on a core that is taken."""

_BEFORE: Final = 12
"""Steps that a trial is compared with: so many that two or three late ones among them do not decide."""

_BETTER: Final = 0.95
"""Another number of threads is chosen if it takes less than this fraction of the time."""


class ThreadCount:
    """Chooses the number of threads for each step from the durations of earlier steps, by hill climbing.

    A thread that the system preempts in the middle of a task keeps all others waiting for milliseconds, as long as a
    whole step. So where other programs need a core, fewer threads are faster. The median of a trial's steps is compared
    with that of those just before it: what was measured longer ago was measured on a computer that did something else.

    Args:
        most: largest number of threads.
    """

    def __init__(self, most: int) -> None:
        assert most >= 1
        self._most = most
        self._best = self._trial = most
        self._direction = -1
        self._steps = 0
        self._latest: deque[float] = deque(maxlen=_BEFORE)  # with the best number
        self._tried: list[float] = []

    def choose(self) -> int:
        """Number of threads for the next step: the best so far, or every `_TRIAL_EVERY` steps one more or fewer."""
        self._steps += 1
        if self._steps % _TRIAL_EVERY == 0:
            if self._best != self._trial:  # the last trial was slower
                self._direction = -self._direction
            if not 1 <= self._best + self._direction <= self._most:
                self._direction = -self._direction
            self._trial = max(1, min(self._best + self._direction, self._most))
            self._tried = []
        return self._trial if self._tries else self._best

    def resume(self) -> None:
        """Tells that nothing was computed for a while: a trial waits until enough steps have followed each other again,
        as what comes now may have another context."""
        self._steps = 0
        self._trial = self._best

    def took(self, seconds: float) -> None:
        """Records the duration of the step."""
        if not self._tries:
            self._latest.append(seconds)
        elif self._steps % _TRIAL_EVERY:
            self._tried.append(seconds)
            if len(self._tried) == _TRIAL - 1 and median(self._tried) < _BETTER * median(self._latest):
                self._best = self._trial
                self._latest.clear()

    @property
    def _tries(self) -> bool:
        """Whether the step is one of a trial."""
        return self._steps >= _TRIAL_EVERY and self._steps % _TRIAL_EVERY < _TRIAL
