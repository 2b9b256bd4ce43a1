"""Temperature, and samplers that remove unlikely tokens: top-k, top-p, min-p, typical-p."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import Tensor

from gptdesk.inference.sampling.arrays import INF, keep_where, kept_places, removed_padding
from gptdesk.inference.sampling.sampler import History, Sampler
from gptdesk.inference.sampling.settings import DecodingSettings

_LIKELY: Final = 2048
"""Tokens among which `typical_p` looks first for where its probability is reached."""


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


def temperature(logits: Tensor, value: float) -> Tensor:
    """Divides by the temperature: under 1 sharpens the distribution, above 1 flattens it."""
    return torch.from_numpy(logits.numpy() / np.float32(value))


def top_k(logits: Tensor, k: int) -> Tensor:
    """Keeps the k largest, and what is tied with the last of them (Fan et al. 2018)."""
    if k >= len(logits):
        return logits
    values, place = logits.numpy(), len(logits) - k
    return keep_where(logits, values >= np.partition(values, place)[place])


def top_p(logits: Tensor, p: float) -> Tensor:
    """Keeps the smallest set of most likely tokens that reaches probability ``p``, at least one (Holtzman et al. 2019).

    OpenAI's own sampler kept one token fewer: those up to which the sum does not pass p (gpt-2/src/sample.py).
    """
    values = logits.numpy()
    kept = values[kept_places(values)]
    if not len(kept):
        return logits
    ascending = np.concatenate([removed_padding(len(values), len(kept)), np.sort(kept)])
    # reached[i]: probability of i and all that are less likely.
    reached = torch.from_numpy(ascending).softmax(dim=0).cumsum(dim=0).numpy()
    cut = min(int(reached.searchsorted(np.float32(1 - p), side="right")), len(ascending) - 1)
    least = ascending[cut]
    if cut == 0 or ascending[cut - 1] < least:
        return keep_where(logits, values >= least)
    # Some of several equal logits go and others stay; which ones only transformers' own sort can tell.
    removed = len(values) - len(ascending) + cut
    return logits.index_fill(0, logits.sort().indices[:removed], -INF)


def min_p(logits: Tensor, p: float) -> Tensor:
    """Removes tokens less likely than ``p`` times the most likely (Nguyen et al. 2024, "Turning Up the Heat")."""
    probs = logits.softmax(dim=0).numpy()
    return keep_where(logits, probs >= np.float32(p) * probs.max())


def typical_p(logits: Tensor, p: float) -> Tensor:
    """Keeps the tokens whose surprise -log q is nearest to the entropy until they reach probability ``p``, at least one
    (Meister et al. 2022, "Locally Typical Sampling").

    Tokens just as near are taken in the order of their logits' bits. ``transformers`` leaves that to a sort that is not
    stable. The order reaches no further than the last bits of a sum: in one of some hundred nearly flat distributions
    over 50,257 tokens that decides about one token.
    """
    values = logits.numpy()
    kept = kept_places(values)
    if not len(values[kept]):
        return logits
    logprobs = logits.log_softmax(dim=0).numpy()
    products = np.zeros_like(values)  # where they stand decides how their sum is rounded
    with np.errstate(invalid="ignore"):
        products[kept] = logprobs[kept] * torch.from_numpy(logprobs[kept]).exp().numpy()
    entropy = -torch.from_numpy(products).nansum().numpy()  # 0 * -inf is NaN and counts as 0
    distance = np.abs(logprobs + entropy)  # of -log q
    # Bits of floats that are not negative sort like the floats. Below them lie the logits' own, because NumPy sorts
    # integers some 20 times faster than it, or torch, sorts anything together with its places.
    keys = distance[kept].view(np.uint32).astype(np.uint64)
    keys <<= np.uint64(32)
    keys |= values[kept].view(np.uint32)
    keys.sort()
    nearest_first = keys.astype(np.uint32).view(np.float32)
    padded = np.concatenate([nearest_first, removed_padding(len(values), len(keys))])
    probs = torch.from_numpy(padded).softmax(dim=0)
    reached = probs[:_LIKELY].cumsum(dim=0).numpy()
    if reached[-1] < np.float32(p):
        reached = probs.cumsum(dim=0).numpy()
    last = min(int(reached.searchsorted(np.float32(p))), len(keys) - 1)
    return keep_where(logits, distance.view(np.uint32) <= np.uint32(keys[last] >> np.uint64(32)))
