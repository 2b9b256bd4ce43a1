"""Puts special tokens in the place of their names while a model writes."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING

from gptdesk.gpt2.mixed_text import PLACEHOLDER, MixedText, can_stand_in_text
from gptdesk.inference.events import TokenEvent
from gptdesk.store.runs import Token

if TYPE_CHECKING:
    from gptdesk.gpt2.tokenizer import Tokenizer


class SpecialTokenStream:
    """Turns the events of one completion, whose text spells special tokens, into text with placeholders.

    The text of a token may come later than the token, because a possible stop string is held back.

    Args:
        tokenizer: of the model.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._names = {
            id: name
            for name, id in tokenizer.special_tokens.items()
            if can_stand_in_text(name) and tokenizer.piece(id).endswith(name)
        }
        self._awaited: deque[tuple[int, str]] = deque()  # where names begin in the spelled text, and the names
        self._length = 0  # of the text of all tokens so far
        self._held = ""  # the beginning of a name
        self._position = 0  # of what comes after the text passed on so far

    def feed(self, events: Iterable[TokenEvent]) -> tuple[MixedText, list[Token]]:
        """The text of a batch, and its tokens with their lengths in that text.

        An entropy that is NaN is not known.
        """
        tokens, text = [], []
        for event in events:
            length, name = event.length, self._names.get(event.id, "")
            self._length += length
            if name and length >= len(name):
                self._awaited.append((self._length - len(name), name))
                length += 1 - len(name)
            entropy = event.entropy if math.isfinite(event.entropy) else None
            tokens.append(Token(event.id, length, event.logprob, event.top, entropy))
            text.append(event.text)
        return self._pass_on("".join(text)), tokens

    def finish(self, tail: str) -> MixedText:
        """The end of the text; a name that a stop string cut is text."""
        mixed = self._pass_on(tail)
        rest, self._held = self._held, ""
        return mixed + MixedText(rest)

    def _pass_on(self, text: str) -> MixedText:
        text, self._held = self._held + text, ""
        passed = MixedText()
        while self._awaited:
            start, name = self._awaited[0]
            plain = text[: start - self._position]
            rest = text[len(plain) :]
            if len(rest) < len(name):
                self._held = rest
                self._position += len(plain)
                return passed + _plain(plain)
            self._awaited.popleft()
            passed += _plain(plain) + MixedText(PLACEHOLDER, (name,))
            self._position += len(plain) + len(name)
            text = rest[len(name) :]
        self._position += len(text)
        return passed + _plain(text)


def _plain(text: str) -> MixedText:
    """Text of tokens that are not special, which may contain anything."""
    return MixedText(text.replace(PLACEHOLDER, "\ufffd"))
