"""How fast memory can be read here, which is the limit of decoding."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
from numba import njit

from gptdesk.devices import physical_cores

_READ: Final = 2**29
"""Bytes read to measure the bandwidth; many times the processor's caches."""


@njit(nogil=True, fastmath=True)
def _total(numbers):
    total = 0
    for i in range(len(numbers)):
        total += numbers[i]
    return total


class ReadBandwidth:
    """Measures how many GB/s some threads read from memory together."""

    def __init__(self) -> None:
        self._numbers = np.ones(_READ // 8, np.int64)
        self._pool = ThreadPoolExecutor(physical_cores())

    def measure(self, threads: int) -> float:
        parts = np.array_split(self._numbers, threads)
        best = 0.0
        for _ in range(3):
            began = time.perf_counter()
            list(self._pool.map(_total, parts))
            best = max(best, _READ / (time.perf_counter() - began) / 1e9)
        return best
