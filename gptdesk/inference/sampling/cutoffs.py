"""Temperature, and samplers that remove unlikely tokens: top-n-sigma, top-k, top-p, min-p, typical-p."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gptdesk.inference.sampling import fast
from gptdesk.inference.sampling.sampler import Floats, History, Sampler
from gptdesk.inference.sampling.settings import DecodingSettings


class TemperatureValues(NamedTuple):
    """Temperature, how far it moves up and down with the entropy, and the exponent of that."""

    middle: float
    spread: float
    exponent: float


class Temperature(Sampler[TemperatureValues]):
    """`temperature`, or `dynamic_temperature` where that has a range."""

    settings = ("temperature", "dynatemp_range")
    tuned_by = ("dynatemp_exponent",)
    title = "Temperature"

    def start(self, settings: DecodingSettings) -> TemperatureValues:
        return TemperatureValues(settings.temperature, settings.dynatemp_range, settings.dynatemp_exponent)

    def apply(self, logits: Floats, history: History, values: TemperatureValues) -> Floats:
        if values.spread:
            return fast.dynamic_temperature(logits, *values)
        return fast.temperature(logits, values.middle)


class TopNSigma(Sampler[float]):
    """`top_n_sigma`."""

    settings = ("top_n_sigma",)

    def start(self, settings: DecodingSettings) -> float:
        return settings.top_n_sigma

    def apply(self, logits: Floats, history: History, n: float) -> Floats:
        return fast.top_n_sigma(logits, n)

    def edges(self, logits: Floats, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Distance from the highest logit, in standard deviations."""
        left = logits[logits > -np.inf].astype(np.float64)
        distances: npt.NDArray[np.float64] = (left.max() - logits[ids]) / (left.std() or 1.0)
        return distances


class TopK(Sampler[int]):
    """`top_k`."""

    settings = ("top_k",)

    def start(self, settings: DecodingSettings) -> int:
        return settings.top_k

    def apply(self, logits: Floats, history: History, k: int) -> Floats:
        return fast.top_k(logits, k)

    def edges(self, logits: Floats, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Rank: 1 for the most likely."""
        ascending = np.sort(logits)
        return (1 + len(logits) - ascending.searchsorted(logits[ids], side="right")).astype(np.float64)


class TopP(Sampler[float]):
    """`top_p`."""

    settings = ("top_p",)

    def start(self, settings: DecodingSettings) -> float:
        return settings.top_p

    def apply(self, logits: Floats, history: History, p: float) -> Floats:
        return fast.top_p(logits, p)

    def edges(self, logits: Floats, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Probability of all more likely tokens together."""
        descending = np.sort(probabilities(logits))[::-1]
        before = np.concatenate([[0.0], descending.cumsum()])
        ranks = TopK().edges(logits, ids).astype(np.int64)
        return before[ranks - 1]


class MinP(Sampler[float]):
    """`min_p`."""

    settings = ("min_p",)

    def start(self, settings: DecodingSettings) -> float:
        return settings.min_p

    def apply(self, logits: Floats, history: History, p: float) -> Floats:
        return fast.min_p(logits, p)

    def edges(self, logits: Floats, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Probability relative to that of the most likely token."""
        probs = probabilities(logits)
        shares: npt.NDArray[np.float64] = probs[ids] / probs.max()
        return shares


class TypicalP(Sampler[float]):
    """`typical_p`."""

    settings = ("typical_p",)

    def start(self, settings: DecodingSettings) -> float:
        return settings.typical_p

    def apply(self, logits: Floats, history: History, p: float) -> Floats:
        return fast.typical_p(logits, p)

    def edges(self, logits: Floats, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Probability of all tokens together whose surprise is nearer to the entropy."""
        probs = probabilities(logits)
        surprise = -np.log(probs, where=probs > 0, out=np.full_like(probs, -np.inf))
        distance = np.abs(surprise - probs[probs > 0] @ surprise[probs > 0])
        order = distance.argsort(kind="stable")
        before = np.concatenate([[0.0], probs[order].cumsum()])
        return before[distance[order].searchsorted(distance[ids])]


def probabilities(logits: Floats) -> npt.NDArray[np.float64]:
    """softmax(``logits``), (V), not all -inf, for drawings; samplers compute as ``transformers`` does."""
    powers = np.exp(logits.astype(np.float64) - logits.max())
    probs: npt.NDArray[np.float64] = powers / powers.sum()
    return probs
