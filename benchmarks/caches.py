"""Empties the processor's caches, so that the next thing that is timed reads its data from memory."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import numpy as np

_TIMES: Final = 2
"""So many times the size of the largest cache is read: which line makes room for another is not strictly in order."""

_UNKNOWN: Final = 2**26
"""Bytes of the largest cache where the system does not tell."""


class Caches:
    """Fills the caches with data of its own. Takes twice the largest cache in memory."""

    def __init__(self) -> None:
        cores = os.cpu_count() or 1
        self._parts = np.array_split(np.ones(_TIMES * largest_cache() // 8, np.int64), cores)
        self._pool = ThreadPoolExecutor(cores)

    def empty(self) -> None:
        list(self._pool.map(np.sum, self._parts))


def largest_cache() -> int:
    """Bytes of the first core's largest cache, which it may share with others."""
    sizes = Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size")
    return max((1024 * int(size.read_text().strip().removesuffix("K")) for size in sizes), default=_UNKNOWN)
