"""Bytes per token that are typical of English prose, for estimates before a text is measured."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Final

TYPICAL_GPT2: Final = 4.0
"""Of OpenAI's tokenizer."""

TYPICAL_BPE: Final = {
    257: 1.0,
    512: 2.1,
    1_024: 2.7,
    2_048: 3.2,
    4_096: 3.6,
    8_192: 3.9,
    16_384: 4.1,
    32_768: 4.3,
}
"""Of byte-level BPE, by size; measured by `trainer tokenizer --measure` on novels."""


def typical_bytes_per_token(vocab_size: int = 0) -> float:
    """Of byte-level BPE of that size, between the steps of `TYPICAL_BPE`; 1 for 0, which is bytes and characters."""
    steps = list(TYPICAL_BPE.items())
    if vocab_size <= steps[0][0]:
        return steps[0][1]
    for (low, before), (high, after) in pairwise(steps):
        if vocab_size <= high:
            return before + (after - before) * math.log(vocab_size / low) / math.log(high / low)
    return steps[-1][1]
