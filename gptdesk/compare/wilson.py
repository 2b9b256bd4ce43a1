"""Wilson's score interval of a share of wins. Imports no torch."""

from __future__ import annotations

import math
from typing import Final

Z: Final = 1.959963984540054
"""Quantile 0.975 of the normal distribution: the interval holds 95 %."""


def wilson_interval(wins: int, votes: int) -> tuple[float, float]:
    """The lowest and highest probability of winning that agree with ``wins`` of ``votes``, at 95 %.

    Wilson 1927, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22, p. 209-212: the p for
    which ``|wins / votes - p| <= z sqrt(p (1 - p) / votes)``, that is, with p = wins / votes and n = votes,
    (p + z²/2n ± z sqrt(p (1 - p) / n + z²/4n²)) / (1 + z²/n). 0 and 1 without a vote.
    """
    if not votes:
        return 0.0, 1.0
    share, square = wins / votes, Z * Z / votes
    middle = share + square / 2
    half = Z * math.sqrt(share * (1 - share) / votes + square / (4 * votes))
    low, high = (middle - half) / (1 + square), (middle + half) / (1 + square)
    return 0.0 if wins == 0 else low, 1.0 if wins == votes else high
