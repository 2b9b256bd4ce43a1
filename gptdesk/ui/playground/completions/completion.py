"""One of several completions: its text and tokens as they arrive."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from gptdesk.gpt2.mixed_text import MixedText
from gptdesk.inference.events import DoneEvent, TokenEvent
from gptdesk.store.runs import Origin, Run, Token, clean_mixed_piece, settle
from gptdesk.store.special_stream import SpecialTokenStream
from gptdesk.ui.services.provenance.origin import known_at_end

if TYPE_CHECKING:
    from gptdesk.gpt2.tokenizer import Tokenizer


class Completion:
    """A completion that is being written, or has ended.

    Attributes:
        mixed: its text so far.
        tokens: its tokens so far.
        finish_reason: why it ended, a key of `FINISH_REASONS`; "" before.
        done: its result; ``None`` before it ends, and where it was cut off.
    """

    def __init__(self) -> None:
        self.mixed = MixedText()
        self.tokens: list[Token] = []
        self.finish_reason = ""
        self.done: DoneEvent | None = None
        self._origin: Origin | None = None
        self._stream: SpecialTokenStream | None = None
        self._logprobs = 0.0

    def start(self, origin: Origin, tokenizer: Tokenizer) -> None:
        """The model begins to write it."""
        self._origin, self._stream = origin, SpecialTokenStream(tokenizer)

    @property
    def started(self) -> bool:
        """Whether the model has begun to work on it."""
        return self._origin is not None

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return bool(self.finish_reason)

    @property
    def seed(self) -> int | None:
        """Of its random numbers; ``None`` before it starts."""
        return self._origin.seed if self._origin else None

    @property
    def mean_logprob(self) -> float | None:
        """Mean natural logarithm of the probabilities of its tokens; ``None`` without a token."""
        return self._logprobs / len(self.tokens) if self.tokens else None

    @property
    def run(self) -> Run:
        """What a document keeps of it; of one that has not ended, what is there."""
        assert self._origin is not None
        origin = replace(self._origin, finish_reason=self.finish_reason or "cancelled")
        if self.done is not None:
            origin = replace(origin, **known_at_end(self.done, origin.intervention))
        return settle(Run(self.mixed.text, tuple(self.tokens), origin, special=self.mixed.names))

    def feed(self, events: Iterable[TokenEvent]) -> None:
        """Adds tokens."""
        assert self._stream is not None
        mixed, tokens = self._stream.feed(events)
        self._add(mixed)
        self.tokens += tokens
        self._logprobs += sum(token.logprob for token in tokens)

    def finish(self, done: DoneEvent, weights: str | None) -> None:
        """It has ended by itself, or the person has stopped it.

        Args:
            done: its result.
            weights: hash of the model's weights, if it is known by now.
        """
        assert self._stream is not None
        self._add(self._stream.finish(done.tail))
        self.done = done
        self.cut_off(done.finish_reason, weights)

    def cut_off(self, reason: str, weights: str | None) -> None:
        """Nothing more will be taken of it."""
        self.finish_reason = reason
        if weights and self._origin is not None:
            self._origin = replace(self._origin, weights=weights)

    def _add(self, mixed: MixedText) -> None:
        self.mixed += clean_mixed_piece(mixed)
