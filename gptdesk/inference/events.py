"""What `Engine.generate` yields: tokens, notices and how it ended. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

FinishReason: TypeAlias = Literal["length", "stop", "end_of_text", "context", "cancelled"]
"""Why a completion ended: ``max_tokens``, a stop string, ``<|endoftext|>``, no room to go on, or the caller's wish."""


@dataclass(frozen=True)
class Alternative:
    """One of the model's likeliest tokens at some place.

    Attributes:
        id: of the token.
        text: as a person is shown it, U+FFFD for parts of characters.
        logprob: natural logarithm of its probability, see `TokenEvent`.
    """

    id: int
    text: str
    logprob: float


@dataclass(frozen=True)
class TokenEvent:
    """One token was chosen.

    Attributes:
        index: which of the n completions it belongs to.
        id: of the token.
        text: characters that became certain with it; less or more than the token's own, because incomplete characters
            and possible beginnings of a stop string are held back. All texts of one index and `DoneEvent.tail` make up
            `DoneEvent.text`.
        logprob: natural logarithm of the probability that the model itself gave to the token: log-softmax of its
            logits, before temperature, penalties, biases and filters.
        entropy: of that distribution, in nats: how unsure the model was, whatever was chosen.
        top: the model's likeliest tokens at this place by the same measure, likeliest first.
    """

    index: int
    id: int
    text: str
    logprob: float
    entropy: float
    top: tuple[Alternative, ...]


@dataclass(frozen=True)
class NoticeEvent:
    """Something that the person should know and that stops nothing."""

    index: int
    message: str


@dataclass(frozen=True)
class DoneEvent:
    """A completion ended; the last event of its index.

    Attributes:
        index: which of the n completions.
        text: all of it, without stop string and ``<|endoftext|>``.
        tail: its end, which no token event has carried.
        finish_reason: why it ended.
        prompt_tokens: tokens of the prompt that were read.
        completion_tokens: tokens chosen, those of a stop string included and ``<|endoftext|>`` not.
        seed: with which this completion alone (n = 1) comes out the same.
        ttft_ms: time to first token: from the call until a token was chosen, in milliseconds; 0 if none was.
        tokens_per_s: speed after the first token: this completion's own steps, not the time in which the caller or
            other completions had their turn; 0 if there was no second token.
        device: on which the model ran.
        precision: of its weights.
        guessed: tokens that were guessed and read ahead (`DecodingSettings.prompt_lookup`).
        guessed_right: those of them that came indeed.
    """

    index: int
    text: str
    tail: str
    finish_reason: FinishReason
    prompt_tokens: int
    completion_tokens: int
    seed: int
    ttft_ms: float
    tokens_per_s: float
    device: str
    precision: str
    guessed: int = 0
    guessed_right: int = 0


Event: TypeAlias = TokenEvent | NoticeEvent | DoneEvent
