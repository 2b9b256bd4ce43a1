"""Guesses what comes next from what came before: text that repeats itself is read several tokens at a time.

Saxena 2023, "Prompt Lookup Decoding" (https://github.com/apoorvumang/prompt-lookup-decoding). The guesses are only read
ahead; each token is still chosen from the model's own logits after the one before, so none of them changes the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

MOST_GUESSES: Final = 7
"""Tokens that may be read ahead at once."""

_NGRAMS: Final = (3, 2)
"""Tokens that must have come before in the same order, the longest match first."""


class PromptLookup:
    """Finds the last place where the text's last tokens stood before, and takes what followed there.

    Args:
        prompt: its ids.
        most: guesses at once, 0 to `MOST_GUESSES`; 0 never guesses.
    """

    def __init__(self, prompt: Sequence[int], most: int) -> None:
        assert 0 <= most <= MOST_GUESSES
        self._most = most
        self._ids: list[int] = []
        self._ends: dict[tuple[int, ...], int] = {}  # n-grams, and where each ended last
        self._prompt_length = len(prompt)
        self._found: list[int] = []
        if most:
            self._extend(prompt)

    def after(self, sampled: Sequence[int]) -> list[int]:
        """The ids that may come after the prompt and all that was sampled since, which is longer at each call."""
        if not self._most:
            return []
        self._extend(sampled[len(self._ids) - self._prompt_length :])
        return self._found

    def _extend(self, ids: Sequence[int]) -> None:
        for id in ids:
            self._ids.append(id)
            end = len(self._ids)
            found = None
            for size in _NGRAMS:
                if end >= size:
                    ngram = tuple(self._ids[end - size :])
                    before = self._ends.get(ngram)
                    found = before if found is None else found
                    self._ends[ngram] = end
            self._found = [] if found is None else self._ids[found : found + self._most]
