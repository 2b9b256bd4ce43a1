"""Temperature, and samplers that remove unlikely tokens: top-n-sigma, top-k, top-p, min-p, typical-p."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gptdesk.inference.sampling.sampler import History, Sampler
from gptdesk.inference.sampling.settings import DecodingSettings

if TYPE_CHECKING:
    from torch import Tensor


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

    def apply(self, logits: Tensor, history: History, values: TemperatureValues) -> Tensor:
        from gptdesk.inference.sampling.fast import dynamic_temperature, temperature

        return dynamic_temperature(logits, *values) if values.spread else temperature(logits, values.middle)


class TopNSigma(Sampler[float]):
    """`top_n_sigma`."""

    settings = ("top_n_sigma",)

    def start(self, settings: DecodingSettings) -> float:
        return settings.top_n_sigma

    def apply(self, logits: Tensor, history: History, n: float) -> Tensor:
        from gptdesk.inference.sampling.fast import top_n_sigma

        return top_n_sigma(logits, n)


class TopK(Sampler[int]):
    """`top_k`."""

    settings = ("top_k",)

    def start(self, settings: DecodingSettings) -> int:
        return settings.top_k

    def apply(self, logits: Tensor, history: History, k: int) -> Tensor:
        from gptdesk.inference.sampling.fast import top_k

        return top_k(logits, k)


class TopP(Sampler[float]):
    """`top_p`."""

    settings = ("top_p",)

    def start(self, settings: DecodingSettings) -> float:
        return settings.top_p

    def apply(self, logits: Tensor, history: History, p: float) -> Tensor:
        from gptdesk.inference.sampling.fast import top_p

        return top_p(logits, p)


class MinP(Sampler[float]):
    """`min_p`."""

    settings = ("min_p",)

    def start(self, settings: DecodingSettings) -> float:
        return settings.min_p

    def apply(self, logits: Tensor, history: History, p: float) -> Tensor:
        from gptdesk.inference.sampling.fast import min_p

        return min_p(logits, p)


class TypicalP(Sampler[float]):
    """`typical_p`."""

    settings = ("typical_p",)

    def start(self, settings: DecodingSettings) -> float:
        return settings.typical_p

    def apply(self, logits: Tensor, history: History, p: float) -> Tensor:
        from gptdesk.inference.sampling.fast import typical_p

        return typical_p(logits, p)
