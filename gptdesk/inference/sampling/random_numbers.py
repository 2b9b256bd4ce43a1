"""The random numbers of one completion: those of torch's CPU generator, without torch.

Both are the Mersenne Twister MT19937 (Matsumoto & Nishimura 1998) and begin alike, so a seed gives the text that it
gave when torch drew.
"""

from __future__ import annotations

import random
from typing import Final

_WORDS: Final = 624
_MASK: Final = 2**32 - 1
_FACTOR: Final = 1_812_433_253
"""Of the linear congruential generator that fills the state (Knuth, TAOCP volume 2, 3rd edition, p. 106)."""

_FRACTION: Final = 2**53
"""Float64 has so many numbers of equal distance from 0 to 1."""


class RandomNumbers:
    """A sequence of random numbers that its seed decides.

    Args:
        seed: of which the low 32 bits count, as for torch's CPU generator.
    """

    def __init__(self, seed: int = 0) -> None:
        word = seed & _MASK
        state = [word]
        for place in range(1, _WORDS):
            word = (_FACTOR * (word ^ word >> 30) + place) & _MASK
            state.append(word)
        self._twister = random.Random()
        self._twister.setstate((3, (*state, _WORDS), None))

    def uniform(self) -> float:
        """The next number, from 0 (inclusive) to 1 (exclusive): ``torch.rand((), dtype=torch.float64)``."""
        high, low = self._twister.getrandbits(32), self._twister.getrandbits(32)
        return (high << 32 | low) % _FRACTION / _FRACTION
