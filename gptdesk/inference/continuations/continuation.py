"""A continuation of a prompt with its tokens' log-probabilities, and shares of several. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Continuation:
    """Tokens after a prompt.

    Attributes:
        text: of the continuation, without the prompt.
        ids: its tokens, (T).
        logprobs: natural logarithm of each token's probability given all tokens before it, in the model's own
            distribution, (T).
    """

    text: str
    ids: tuple[int, ...]
    logprobs: tuple[float, ...]

    @property
    def total(self) -> float:
        """Log-probability of the whole continuation, in nats."""
        return math.fsum(self.logprobs)

    @property
    def mean(self) -> float:
        """Log-probability per token, which compares continuations of different lengths."""
        return self.total / len(self.logprobs)

    @property
    def probability(self) -> float:
        """Of the whole continuation after its prompt."""
        return math.exp(self.total)


def shares(continuations: Sequence[Continuation]) -> list[float]:
    """The probability of each of some continuations if it must be one of them: softmax of their totals."""
    largest = max((one.total for one in continuations), default=0.0)
    weights = [math.exp(one.total - largest) for one in continuations]
    whole = math.fsum(weights)
    return [weight / whole for weight in weights]
