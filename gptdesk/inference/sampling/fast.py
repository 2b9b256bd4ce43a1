"""The cut-offs of `plain` several times faster, bit for bit, and what other samplers share with them.

Tests compare the two with each other and with ``transformers`` 5.23. Torch computes what is rounded (softmax,
exponentials, sums), because that must come out as it does in ``transformers``. The rest is NumPy's: it sorts with
vector instructions, and wakes no second thread for what takes a few microseconds.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gptdesk.inference.sampling.settings import GREEDY_BELOW

INF: Final = float("inf")

_LANES: Final = 64
"""A multiple of the numbers that torch adds side by side, which are those in one or a few of a processor's vectors."""

_LIKELY: Final = 2048
"""Tokens among which `typical_p` looks first for where its probability is reached."""


def kept_places(values: npt.NDArray[np.float32]) -> slice | npt.NDArray[np.int64]:
    """Ascending places of the tokens that no sampler has removed; a slice of all, if those are more than half."""
    kept = values > -INF
    return slice(None) if 2 * np.count_nonzero(kept) > len(kept) else np.flatnonzero(kept)


def removed_padding(size: int, kept: int) -> npt.NDArray[np.float32]:
    """As many -inf as must stand beside ``kept`` logits, so that their softmax is rounded as among ``size``.

    They add zeros, but each lane of the sum has to get the same numbers in the same order.
    """
    removed = size - kept
    return np.full(min(removed, _LANES + removed % _LANES), -INF, np.float32)


def keep_where(logits: Tensor, keep: npt.NDArray[np.bool_]) -> Tensor:
    """The logits where ``keep`` is true, -inf elsewhere."""
    # Choosing number by number, as np.where does, takes ten times as long: half of the branches are predicted wrong.
    kept = keep.astype(np.float32)
    with np.errstate(divide="ignore"):
        np.divide(1, kept, out=kept)
    kept -= 1  # 0 or infinity
    return torch.from_numpy(np.subtract(logits.numpy(), kept, out=kept))


def temperature(logits: Tensor, value: float) -> Tensor:
    """Divides by the temperature, as `plain.temperature`."""
    return torch.from_numpy(logits.numpy() / np.float32(value))


def dynamic_temperature(logits: Tensor, middle: float, spread: float, exponent: float) -> Tensor:
    """Divides by a temperature that follows the entropy, as `plain.dynamic_temperature`."""
    value = entropy_temperature(logits, middle, spread, exponent)
    if value is None:
        return logits
    values = logits.numpy()
    return temperature(logits, value) if value >= GREEDY_BELOW else keep_where(logits, values >= values.max())


def entropy_temperature(logits: Tensor, middle: float, spread: float, exponent: float) -> float | None:
    """The temperature by which `dynamic_temperature` divides; None where fewer than two tokens are left."""
    values = logits.numpy()
    left = values[values > -INF].astype(np.float64)
    if len(left) < 2:
        return None
    below = left.max() - left
    powers = np.exp(-below)
    total = float(powers.sum())
    share = float(math.log(total) + np.dot(powers, below) / total) / math.log(len(left))
    low, high = max(0.0, middle - spread), middle + spread
    value: float = low + (high - low) * min(1.0, max(0.0, share)) ** exponent  # mypy: a negative base has no real power
    return value


def top_n_sigma(logits: Tensor, n: float) -> Tensor:
    """Keeps logits near the highest one, as `plain.top_n_sigma`."""
    values = logits.numpy()
    left = values[values > -INF].astype(np.float64)
    if len(left) < 2:
        return logits
    return keep_where(logits, values >= left.max() - n * left.std())


def top_k(logits: Tensor, k: int) -> Tensor:
    """Keeps the k largest, as `plain.top_k`."""
    if k >= len(logits):
        return logits
    values, place = logits.numpy(), len(logits) - k
    return keep_where(logits, values >= np.partition(values, place)[place])


def top_p(logits: Tensor, p: float) -> Tensor:
    """Keeps the smallest set that reaches probability ``p``, as `plain.top_p`; sorts only what is not removed yet."""
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
    """Removes tokens less likely than ``p`` times the most likely, as `plain.min_p`."""
    probs = logits.softmax(dim=0).numpy()
    return keep_where(logits, probs >= np.float32(p) * probs.max())


def typical_p(logits: Tensor, p: float) -> Tensor:
    """Keeps the tokens of typical surprise, as `plain.typical_p`, but for ties.

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


def exclude_top_choices(logits: Tensor, threshold: float) -> Tensor:
    """Removes all but the least likely of the tokens that reach ``threshold``, as `plain.exclude_top_choices`."""
    probs = logits.softmax(dim=0).numpy()
    top = np.flatnonzero(probs >= np.float32(threshold))
    if len(top) < 2:
        return logits
    values = logits.numpy()
    keep = np.ones(len(values), np.bool_)
    keep[top] = False
    keep[top[values[top] == values[top].min()][-1]] = True
    return keep_where(logits, keep)
