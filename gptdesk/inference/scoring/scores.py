"""The scores of a text's tokens as arrays, and what they add up to. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt


class TokenScores(NamedTuple):
    """Scores of T tokens in the model's own distribution, before any sampler.

    Attributes:
        logprobs: (T) float32, natural logarithm of each token's probability; NaN where it is not known.
        ranks: (T) int32, 1 for the most likely token, one more for each that is more likely; 0 where it is not known.
        entropies: (T) float32, entropy of the distribution in nats; NaN where it is not known.
        top_ids: (T, k) int32, the most likely tokens, the most likely first; -1 where they are not known.
        top_logprobs: (T, k) float32, their log-probabilities.
    """

    logprobs: npt.NDArray[np.float32]
    ranks: npt.NDArray[np.int32]
    entropies: npt.NDArray[np.float32]
    top_ids: npt.NDArray[np.int32]
    top_logprobs: npt.NDArray[np.float32]

    @classmethod
    def unknown(cls, length: int, top: int) -> TokenScores:
        """Of tokens that were not scored yet."""
        nan = np.float32(np.nan)
        return cls(
            np.full(length, nan, np.float32),
            np.zeros(length, np.int32),
            np.full(length, nan, np.float32),
            np.full((length, top), -1, np.int32),
            np.full((length, top), nan, np.float32),
        )

    def put(self, first: int, scores: TokenScores) -> None:
        """Sets the scores of the tokens from ``first`` on."""
        for mine, theirs in zip(self, scores, strict=True):
            mine[first : first + len(theirs)] = theirs

    def copy(self) -> TokenScores:
        """The same values in memory of their own."""
        return TokenScores._make(values.copy() for values in self)


class TextScores(msgspec.Struct, frozen=True):
    """The tokens of a text and their scores.

    The first token has none: the model reads nothing before it.

    Attributes:
        ids: (T) int64.
        scores: of T tokens; unknown where they are not computed yet.
    """

    ids: npt.NDArray[np.int64]
    scores: TokenScores

    @property
    def complete(self) -> bool:
        """Whether every token but the first is scored."""
        return not bool(np.isnan(self.scores.logprobs[1:]).any())


class Summary(msgspec.Struct, frozen=True):
    """What the scores of some tokens add up to.

    Attributes:
        tokens: how many of them are scored.
        nats: sum of -ln p of those.
        bytes: of UTF-8 that those stand for.
    """

    tokens: int
    nats: float
    bytes: int

    @classmethod
    def of(cls, logprobs: npt.NDArray[np.float32], lengths: Sequence[int]) -> Summary:
        """The summary of tokens with these log-probabilities, (T), and lengths in bytes, (T)."""
        known = ~np.isnan(logprobs)
        nats = -float(logprobs[known].sum(dtype=np.float64))
        return cls(int(known.sum()), nats, int(np.asarray(lengths, np.int64)[known].sum()))

    @property
    def perplexity(self) -> float:
        """NaN without tokens."""
        return perplexity(self.nats, self.tokens)

    @property
    def bits_per_byte(self) -> float:
        """NaN without bytes."""
        return bits_per_byte(self.nats, self.bytes)


def perplexity(nats: float, count: int) -> float:
    """exp(nats / count); NaN where there is nothing, infinite where float64 ends."""
    if not count:
        return math.nan
    mean = nats / count
    return math.exp(mean) if mean < 709 else math.inf


def bits_per_byte(nats: float, size: int) -> float:
    """nats / (size ln 2), which compares models of different vocabularies; NaN where there is no byte."""
    return nats / size / math.log(2) if size else math.nan
