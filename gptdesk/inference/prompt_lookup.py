"""Draft tokens for speculative decoding, taken from earlier text by prompt lookup.

Saxena 2023, "Prompt Lookup Decoding" (https://github.com/apoorvumang/prompt-lookup-decoding). The model reads the draft
tokens in the same step as the last token; each token is still chosen from the model's own logits after the one before,
so a draft never changes the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

MAX_DRAFT_TOKENS: Final = 7
"""Draft tokens that one step may read."""

_NGRAMS: Final = (3, 2)
"""Lengths of the n-grams that are looked up, the longest match first."""


class PromptLookup:
    """Finds the last earlier occurrence of the text's last n-gram, and drafts the tokens that followed it.

    Args:
        prompt: its ids.
        max_tokens: longest draft, 0 to `MAX_DRAFT_TOKENS`; 0 never drafts.
    """

    def __init__(self, prompt: Sequence[int], max_tokens: int) -> None:
        assert 0 <= max_tokens <= MAX_DRAFT_TOKENS
        self._max_tokens = max_tokens
        self._ids: list[int] = []
        self._ends: dict[tuple[int, ...], int] = {}  # n-grams, and where each ended last
        self._prompt_length = len(prompt)
        self._draft: list[int] = []
        if max_tokens:
            self._extend(prompt)

    def draft(self, sampled: Sequence[int]) -> list[int]:
        """Ids that may follow the prompt and ``sampled``: all ids chosen since, which are more at each call."""
        if not self._max_tokens:
            return []
        self._extend(sampled[len(self._ids) - self._prompt_length :])
        return self._draft

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
            self._draft = [] if found is None else self._ids[found : found + self._max_tokens]
