"""Chooses a token where its logits lie, on a CUDA device, and copies nothing to the host but what a person is told.

The same choice as `sampling` makes of the same logits, for settings that do not depend on the text so far. Nothing here
waits for the device but the one transfer at the end, so no tensor decides what Python does, and no value is indexed by
a tensor in a way that would fetch it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from typing import Any, Final

import torch
from torch import Generator, Tensor

from gptdesk.inference.sampling.settings import DecodingSettings

_INF = float("inf")

_CHOSEN_HERE: Final = frozenset({"temperature", "top_k", "top_p", "min_p"})
"""The settings that `choose` heeds."""

_NO_SAMPLERS: Final = frozenset({"stop", "max_tokens", "seed", "n", "top_logprobs", "prompt_lookup"})
"""The settings that change no probability."""


@dataclass(frozen=True)
class Choice:
    """A token and what the model itself thought of it.

    Attributes:
        id: of the token.
        logit: its own, normalizer: the logarithm of the sum of all exponentials; their difference is the logarithm of
            the token's probability. The normalizer of a model that computes nonsense is not finite, and the id is then
            any.
        entropy: of the model's distribution, in nats.
        top: ids and logits of the likeliest tokens, likeliest first.
    """

    id: int
    logit: float
    normalizer: float
    entropy: float
    top: tuple[tuple[int, float], ...]


def serves(logits: Tensor, settings: DecodingSettings) -> bool:
    """Whether `choose` is for these: logits on CUDA, and settings that `is_simple` allows."""
    return logits.device.type == "cuda" and is_simple(settings)


def is_simple(settings: DecodingSettings) -> bool:
    """Whether every setting that changes probabilities is neutral, but temperature, top-k, top-p and min-p.

    A setting that this module has not been told of counts as one that changes them.
    """
    kind: Any = type(settings)  # mypy takes no class of a frozen dataclass for hashable
    return all(getattr(settings, name) == neutral for name, neutral in _must_be_neutral(kind).items())


@cache
def _must_be_neutral(kind: type[Any]) -> Mapping[str, Any]:
    """The settings that `choose` would ignore, and their neutral values: their defaults."""
    others = [field for field in fields(kind) if field.name not in _CHOSEN_HERE | _NO_SAMPLERS]
    return {
        field.name: field.default if field.default_factory is MISSING else field.default_factory() for field in others
    }


def choose(logits: Tensor, settings: DecodingSettings, generator: Generator) -> Choice:
    """Chooses as `sampling.process` with `sampling.likeliest` or `sampling.sample` would, ties apart.

    Args:
        logits: (V) float32, the model's own.
        settings: as `is_simple` wants them.
        generator: of the sequence, on the CPU; gives one number, or none if the choice is greedy.
    """
    chosen, logit, normalizer, entropy, *top = packed_choice(logits, settings, generator).tolist()
    ids, values = top[: len(top) // 2], top[len(top) // 2 :]
    return Choice(int(chosen), logit, normalizer, entropy, tuple(zip(map(int, ids), values, strict=True)))


@torch.no_grad()
def packed_choice(logits: Tensor, settings: DecodingSettings, generator: Generator) -> Tensor:
    """What `choose` tells, in one tensor that still lies on the device: id, its logit, normalizer, entropy, ids and
    logits of the likeliest; (4 + 2 top_logprobs) float64, which holds all of them without loss."""
    id = logits.argmax() if settings.greedy else _sample(_filtered(logits, settings), generator)
    top = logits.topk(min(settings.top_logprobs, len(logits)))
    normalizer = logits.logsumexp(dim=0)
    logprobs = logits - normalizer
    entropy = -(logprobs.exp() * logprobs).sum()
    parts = (id, logits.take(id), normalizer, entropy, top.indices, top.values)
    return torch.cat([part.double().reshape(-1) for part in parts])


def _filtered(logits: Tensor, settings: DecodingSettings) -> Tensor:
    """What may be drawn: as `sampling.process` leaves it."""
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
    # Summed in float64, because the order in which CUDA sums varies; compared in float32, as the oracle does.
    reached = ascending.softmax(dim=0).cumsum(dim=0, dtype=torch.float64).float()
    cut = (reached <= 1 - settings.top_p).sum().clamp(max=len(ascending) - 1)
    return ascending.take(cut)


def _sample(logits: Tensor, generator: Generator) -> Tensor:
    """Draws an id with the probabilities softmax(``logits``), by the number that `sampling.sample` would draw."""
    reached = logits.softmax(dim=0).cumsum(dim=0, dtype=torch.float64)
    drawn = float(torch.rand((), dtype=torch.float64, generator=generator))  # travels as an argument of the kernel
    return (reached <= reached[-1] * drawn).sum().clamp(max=len(logits) - 1)
