"""What a text says of itself: distinct n-grams and repetition. Imports no torch.

Both count words, so that models of different vocabularies are counted alike: a word is a run of letters and digits, or
any other character that is no space.
"""

from __future__ import annotations

import re
from typing import Final

_WORD: Final = re.compile(r"\w+|[^\w\s]")

_REPEATED: Final = 4
"""Words of the n-grams by which repetition is measured."""


def words(text: str) -> list[str]:
    """The words of a text, in lower case."""
    return _WORD.findall(text.lower())


def distinct(text: str, n: int) -> float | None:
    """Distinct-n: distinct n-grams of words divided by the number of words, 0 ... 1; ``None`` without a word.

    Li et al. 2016, "A Diversity-Promoting Objective Function for Neural Conversation Models", section 5
    (https://arxiv.org/abs/1510.03055): higher is more varied. It falls with the length of the text.
    """
    found = words(text)
    return len(set(_ngrams(found, n))) / len(found) if found else None


def repetition(text: str) -> float | None:
    """Share of 4-grams of words that occurred before, 0 ... 1; ``None`` for fewer than four words.

    seq-rep-4 of Welleck et al. 2020, "Neural Text Generation with Unlikelihood Training", section 6
    (https://arxiv.org/abs/1908.04319): 1 - distinct 4-grams / 4-grams.
    """
    grams = _ngrams(words(text), _REPEATED)
    return 1 - len(set(grams)) / len(grams) if grams else None


def _ngrams(found: list[str], n: int) -> list[tuple[str, ...]]:
    return list(zip(*(found[start:] for start in range(n)), strict=False))
