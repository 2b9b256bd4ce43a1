"""How threads share the tasks of a step: each takes the next number, in compiled code."""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

from gptdesk.inference.cpu.intrinsics.threads import load, nap, pause, replace
from gptdesk.inference.cpu.step_tables import Sync

# Numba accepts module-level integers as constants everywhere, members of an enumeration not.
_NEXT: Final = int(Sync.NEXT)
_DONE: Final = int(Sync.DONE)
_THREADS: Final = int(Sync.THREADS)

_NO_TASK: Final = 0xFFFFFFFF
"""A number that no task has."""

_SPINS: Final = 1000
"""Polls of a counter before a waiting thread naps: about 10 microseconds, more than the wait between phases."""


@njit
def take_task(sync, step, tasks):
    """Takes the next task of that step; -1 if there is none left, or another step has started."""
    while True:
        word = load(sync, _NEXT)
        task = word & 0xFFFFFFFF
        if word >> 32 != step or task >= tasks:
            return np.int64(-1)
        if replace(sync, _NEXT, word, word + 1):
            return task


@njit
def wait(sync, tasks):
    """Waits until that number of tasks of this step is done."""
    spins = 0
    while load(sync, _DONE) < tasks:
        pause()
        spins += 1
        if spins > _SPINS:
            nap()


@njit
def begin(sync, step):
    """Starts the step, whose inputs are complete, for all threads."""
    sync[_DONE] = 0
    while not replace(sync, _NEXT, load(sync, _NEXT), step << 32):
        pass


@njit
def end(sync, step):
    """Ends the step, of which all tasks are done, before the table of tasks is changed for another one.

    Else a thread that comes late would take a number that the step did not have and the next one has.
    """
    while not replace(sync, _NEXT, load(sync, _NEXT), step << 32 | _NO_TASK):
        pass


@njit
def await_step(sync, thread, last, most_naps):
    """Waits for the first step after ``last`` in which that thread may take part; -1 if none starts for so many naps.

    Polls, then naps, so that the thread stays on its core: the system puts a thread that is woken for each step onto
    the core of the one that woke it, where both take turns for milliseconds.
    """
    spins = naps = 0
    while naps < most_naps:
        step = load(sync, _NEXT) >> 32
        if step != last and thread < sync[_THREADS]:
            return step
        pause()
        spins += 1
        if spins > _SPINS:
            nap()
            naps += 1
    return np.int64(-1)
