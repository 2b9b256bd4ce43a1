"""Finds the first character of a text that a model reads, where the text is longer than the model's context."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gptdesk.gpt2.mixed_text import MixedText, spans_mixed
from gptdesk.inference.scoring.windows import window_start

if TYPE_CHECKING:
    from gptdesk.gpt2.tokenizer import Tokenizer

_BEHIND: Final = 40
"""Characters behind the place that must be the same for the last answer to hold: they may belong to its token."""


class ContextStart:
    """Remembers the last answer: a text that grows is read from one place for half a context."""

    def __init__(self) -> None:
        self._token = self._place = 0
        self._before = ""
        self._tokenizer: Tokenizer | None = None

    def find(self, tokenizer: Tokenizer, text: MixedText, tokens: int, n_positions: int) -> int:
        """Index of the first character that is read to continue ``text``; 0 where all of it is.

        Args:
            tokenizer: of the model.
            text: all of it.
            tokens: how many it has.
            n_positions: the model's context length.
        """
        token = window_start(tokens, n_positions)
        if token == 0:
            return 0
        if (token, tokenizer) != (self._token, self._tokenizer) or not text.text.startswith(self._before):
            self._token, self._tokenizer = token, tokenizer
            self._place = spans_mixed(tokenizer, text)[token][0]
            self._before = text.text[: self._place + _BEHIND]
        return self._place
