"""Events that `Engine.generate` yields: tokens, notices, and the end of a completion. Imports no torch."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec

from gptdesk.bounded_read import LARGEST_WHOLE

FinishReason: TypeAlias = Literal["length", "stop", "end_of_text", "cancelled"]
"""Why a completion ended: ``max_tokens`` reached, a stop string or the end of a
sentence, paragraph or line (`DecodingSettings.until`), a token that ends a text, or cancelled."""


class Alternative(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """One of the model's most likely tokens at a position.

    There are ten for each token of a document: as a struct, a million are read in a fifth of a second. The limits hold
    for what is read.

    Attributes:
        id: of the token.
        text: for display; U+FFFD for incomplete characters.
        logprob: as in `TokenEvent`.
    """

    id: Annotated[int, msgspec.Meta(ge=0, le=LARGEST_WHOLE)]
    text: str
    logprob: Annotated[float, msgspec.Meta(le=1e-3)]


class TokenEvent(msgspec.Struct, frozen=True):
    """A token was chosen.

    Attributes:
        index: which of the n completions it belongs to.
        id: of the token.
        text: characters that this token completes. May differ from the token's own text, because incomplete characters
            and possible beginnings of a stop string are held back. All texts of one index, and then `DoneEvent.tail`,
            make up `DoneEvent.text`.
        length: characters that this token completes, whether or not they are held back for a stop string.
        logprob: natural logarithm of the token's probability in the model's own distribution: log-softmax of the
            logits before any sampler.
        entropy: of that distribution, in nats.
        top: the most likely tokens of that distribution, the most likely first.
    """

    index: int
    id: int
    text: str
    length: int
    logprob: float
    entropy: float
    top: tuple[Alternative, ...]


class NoticeEvent(msgspec.Struct, frozen=True):
    """A message for the user; the completion continues."""

    index: int
    message: str


class DoneEvent(msgspec.Struct, frozen=True):
    """A completion ended; the last event of its index.

    Attributes:
        index: which of the n completions.
        text: the whole completion, without stop string, what follows ``until``, and ``<|endoftext|>``.
        tail: the end of ``text`` that no token event contained.
        finish_reason: why it ended.
        prompt_tokens: tokens of the prompt that were read.
        completion_tokens: tokens that were chosen, including those of a stop string, without ``<|endoftext|>``.
        seed: with which n = 1 gives this completion.
        ttft_ms: time to first token in milliseconds, from the call of `Engine.generate`; 0 without a token.
        tokens_per_s: decoding speed after the first token, without the time that the caller and other completions
            took; 0 without a second token.
        device: "cpu", "cuda:0" and so on.
        precision: of the weights: "float32", "bfloat16", "float16", "int8" or "int4".
        backend: what decoded: "numba" for the compiled CPU decoder; or the network, "numpy" or "torch".
        draft_tokens: speculative tokens that were verified (`DecodingSettings.prompt_lookup`).
        accepted_tokens: those of them that were chosen.
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
    backend: str = "torch"
    draft_tokens: int = 0
    accepted_tokens: int = 0


Event: TypeAlias = TokenEvent | NoticeEvent | DoneEvent


def precision_label(precision: str, backend: str) -> str:
    """Both in a few words: "int8", or "int8 (numba)" where torch does not decode."""
    return f"{precision} ({backend})" if backend not in ("", "torch") else precision


def split_precision_label(label: str) -> tuple[str, str]:
    """Precision and backend of a `precision_label`, as documents kept them in one field; the backend is "" there where
    the label names none."""
    precision, _, backend = label.partition(" (")
    return precision, backend.removesuffix(")")
