"""Draft tokens for speculative decoding, taken from earlier text by prompt lookup.

Saxena 2023, "Prompt Lookup Decoding" (https://github.com/apoorvumang/prompt-lookup-decoding). The model reads the draft
tokens in the same step as the last token; each token is still chosen from the model's own logits after the one before,
so a draft never changes the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MAX_DRAFT_TOKENS: Final = 7
"""Draft tokens that one step may read."""

_NGRAMS: Final = (3, 2)
"""Lengths of the n-grams that are looked up, the longest match first."""


class PromptLookup:
    """Finds the last earlier occurrence of the text's last n-gram, and drafts the tokens that followed it.

    Args:
        max_tokens: longest draft, 0 to `MAX_DRAFT_TOKENS`; 0 never drafts.
    """

    def __init__(self, max_tokens: int) -> None:
        assert 0 <= max_tokens <= MAX_DRAFT_TOKENS
        self._max_tokens = max_tokens
        self._length = 0  # of the text that was looked through
        self._ends: dict[tuple[int, ...], int] = {}  # n-grams in it, and where each ended last
        self._found: int | None = None  # where its last n-gram ended before

    def draft(self, ids: Sequence[int] | npt.NDArray[np.int64]) -> list[int]:
        """Ids that may follow the text ``ids``, which begins with that of the call before."""
        if not self._max_tokens:
            return []
        for end in range(self._length + 1, len(ids) + 1):
            self._found = None
            for size in _NGRAMS:
                if end >= size:
                    ngram = tuple(map(int, ids[end - size : end]))
                    before = self._ends.get(ngram)
                    self._found = before if self._found is None else self._found
                    self._ends[ngram] = end
        self._length = len(ids)
        return [] if self._found is None else list(map(int, ids[self._found : self._found + self._max_tokens]))
