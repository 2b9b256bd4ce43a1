"""Temperature, and samplers that remove unlikely tokens: top-k, top-p, min-p, typical-p."""

from __future__ import annotations

from torch import Tensor

from gptdesk.inference.sampling.fast import min_p, temperature, top_k, top_p, typical_p
from gptdesk.inference.sampling.sampler import History, Sampler
from gptdesk.inference.sampling.settings import DecodingSettings


class Temperature(Sampler[float]):
    """`temperature`."""

    settings = ("temperature",)

    def start(self, settings: DecodingSettings) -> float:
        return settings.temperature

    def apply(self, logits: Tensor, history: History, value: float) -> Tensor:
        return temperature(logits, value)


class TopK(Sampler[int]):
    """`top_k`."""

    settings = ("top_k",)

    def start(self, settings: DecodingSettings) -> int:
        return settings.top_k

    def apply(self, logits: Tensor, history: History, k: int) -> Tensor:
        return top_k(logits, k)


class TopP(Sampler[float]):
    """`top_p`."""

    settings = ("top_p",)

    def start(self, settings: DecodingSettings) -> float:
        return settings.top_p

    def apply(self, logits: Tensor, history: History, p: float) -> Tensor:
        return top_p(logits, p)


class MinP(Sampler[float]):
    """`min_p`."""

    settings = ("min_p",)

    def start(self, settings: DecodingSettings) -> float:
        return settings.min_p

    def apply(self, logits: Tensor, history: History, p: float) -> Tensor:
        return min_p(logits, p)


class TypicalP(Sampler[float]):
    """`typical_p`."""

    settings = ("typical_p",)

    def start(self, settings: DecodingSettings) -> float:
        return settings.typical_p

    def apply(self, logits: Tensor, history: History, p: float) -> Tensor:
        return typical_p(logits, p)
