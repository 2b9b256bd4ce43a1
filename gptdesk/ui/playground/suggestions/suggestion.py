"""A suggestion: tokens that could follow the text, their first word, and what else could come first. No Qt."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import msgspec

from gptdesk.inference.events import Alternative, TokenEvent
from gptdesk.inference.sampling.settings import DecodingSettings

TOKENS: Final = 12
"""Longest suggestion: some eight words, as many as are read at a glance."""

_LETTER: Final = re.compile(r"\S")


class Suggestion(msgspec.Struct, frozen=True):
    """Tokens of a model that are not in the text.

    Attributes:
        events: the tokens, with their text.
        settings: with which they were chosen.
    """

    events: tuple[TokenEvent, ...]
    settings: DecodingSettings

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.events)

    @property
    def alternatives(self) -> tuple[Alternative, ...]:
        """What the first token could have been, the most probable first."""
        return self.events[0].top if self.events else ()

    def first_word(self) -> tuple[Suggestion, Suggestion]:
        """The tokens of the first word, and the rest."""
        length, text = 0, ""
        for length, event in enumerate(self.events):  # noqa: B007 (the place where it ended is used)
            if event.text[:1].isspace() and _LETTER.search(text):
                break
            text += event.text
        else:
            length = len(self.events)
        taken, left = self.events[:length], self.events[length:]
        return msgspec.structs.replace(self, events=taken), msgspec.structs.replace(self, events=left)


def suggested_settings(decoding: DecodingSettings) -> DecodingSettings:
    """The settings of the document, but the most probable token each time, and few of them."""
    return replace(decoding, temperature=0.0, max_tokens=min(TOKENS, decoding.max_tokens), n=1, stop=(), seed=None)


def in_one_line(events: Sequence[TokenEvent]) -> tuple[TokenEvent, ...]:
    """The tokens before the first one with a line end; that one alone where nothing stands before it."""
    for place, event in enumerate(events):
        if "\n" in event.text:
            return tuple(events[: max(place, 1)])
    return tuple(events)
