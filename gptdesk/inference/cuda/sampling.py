"""Chooses a token on the CUDA device that computed its logits, and copies to the host only what is reported.

Chooses as `gptdesk.inference.sampling.chain.SamplerChain` does from the same logits, for settings that do not depend
on the text so far. Nothing here waits for the device but the one transfer at the end, so no tensor decides what Python
does, and no value is indexed by a tensor in a way that would fetch it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, Final

import torch
from torch import Generator, Tensor

from gptdesk.inference.sampling.fields import neutral_of, settings_of
from gptdesk.inference.sampling.settings import DecodingSettings

_INF = float("inf")

_ON_DEVICE: Final = frozenset({"temperature", "top_k", "top_p", "min_p"})
"""The settings that `choose` applies."""


@dataclass(frozen=True)
class Choice:
    """A token and the model's own distribution at its position.

    Attributes:
        id: of the token; meaningless if the normalizer is not finite.
        logit: the token's own.
        normalizer: log-sum-exp of the logits; ``logit - normalizer`` is the token's log-probability. Not finite if the
            model computes values that are not numbers.
        entropy: of the model's distribution, in nats.
        top: ids and logits of the most likely tokens, the most likely first.
    """

    id: int
    logit: float
    normalizer: float
    entropy: float
    top: tuple[tuple[int, float], ...]


def serves(logits: Tensor, settings: DecodingSettings) -> bool:
    """Whether `choose` applies: the logits are on CUDA, and `is_simple` allows the settings."""
    return logits.device.type == "cuda" and is_simple(settings)


def is_simple(settings: DecodingSettings) -> bool:
    """Whether `choose` applies all settings that are not neutral.

    It applies those of `_ON_DEVICE`; those outside of presets (`Setting.in_preset`) change no choice.
    Every other one must be neutral, a setting added later too.
    """
    kind: Any = type(settings)  # mypy takes no class of a frozen dataclass for hashable
    return all(getattr(settings, name) == neutral for name, neutral in _must_be_neutral(kind).items())


@cache
def _must_be_neutral(kind: Any) -> Mapping[str, Any]:
    """The settings that `choose` ignores, and their neutral values."""
    harmless = {name for name, one in settings_of(kind).items() if not one.in_preset}
    return {field.name: neutral_of(field) for field in fields(kind) if field.name not in _ON_DEVICE | harmless}


def choose(logits: Tensor, settings: DecodingSettings, generator: Generator) -> Choice:
    """Chooses as `SamplerChain.choose` would, ties apart.

    Args:
        logits: (V) float32, the model's own.
        settings: that `is_simple` allows.
        generator: of the sequence, on the CPU; gives one number, or none if the choice is greedy.
    """
    chosen, logit, normalizer, entropy, *top = packed_choice(logits, settings, generator).tolist()
    ids, values = top[: len(top) // 2], top[len(top) // 2 :]
    return Choice(int(chosen), logit, normalizer, entropy, tuple(zip(map(int, ids), values, strict=True)))


@torch.no_grad()
def packed_choice(logits: Tensor, settings: DecodingSettings, generator: Generator) -> Tensor:
    """What `choose` returns, as one tensor on the device: id, its logit, normalizer, entropy, ids and logits of the
    most likely; (4 + 2 top_logprobs) float64, which holds all of them without loss."""
    id = logits.argmax() if settings.greedy else _sample(_filtered(logits, settings), generator)
    top = logits.topk(min(settings.top_logprobs, len(logits)))
    normalizer = logits.logsumexp(dim=0)
    logprobs = logits - normalizer
    entropy = -(logprobs.exp() * logprobs).sum()
    parts = (id, logits.take(id), normalizer, entropy, top.indices, top.values)
    return torch.cat([part.double().reshape(-1) for part in parts])


def _filtered(logits: Tensor, settings: DecodingSettings) -> Tensor:
    """The logits after temperature, top-k, top-p and min-p."""
    if settings.temperature != 1:
        logits = logits / settings.temperature
    if settings.top_k or settings.top_p < 1:
        logits = logits.masked_fill(logits < _least_kept(logits, settings), -_INF)
    if settings.min_p:
        probs = logits.softmax(dim=0)
        logits = logits.masked_fill(probs < settings.min_p * probs.max(), -_INF)
    return logits


def _least_kept(logits: Tensor, settings: DecodingSettings) -> Tensor:
    """The smallest logit that top-k and then top-p keep, as a tensor without dimensions."""
    k = min(settings.top_k, len(logits))
    ascending = logits.topk(k).values.flip(0) if k else logits.sort().values  # topk is the faster one, if k is small
    if settings.top_p == 1:
        return ascending[0]
    # Summed in float64, because the order in which CUDA sums varies; compared in float32, as `top_p` does.
    reached = ascending.softmax(dim=0).cumsum(dim=0, dtype=torch.float64).float()
    cut = (reached <= 1 - settings.top_p).sum().clamp(max=len(ascending) - 1)
    return ascending.take(cut)


def _sample(logits: Tensor, generator: Generator) -> Tensor:
    """Draws an id with the probabilities softmax(``logits``), by the number that `choice.sample` would draw."""
    reached = logits.softmax(dim=0).cumsum(dim=0, dtype=torch.float64)
    drawn = float(torch.rand((), dtype=torch.float64, generator=generator))  # travels as an argument of the kernel
    return (reached <= reached[-1] * drawn).sum().clamp(max=len(logits) - 1)
