"""The cut-offs of `plain` in NumPy, several times faster, and what other samplers share with them.

Tests compare the two with each other and with ``transformers`` 5.23: the same tokens are kept, but for those that lie
within rounding (a few millionths of the probability) of the limit. Sums are taken in float64, so they are rounded less
than there.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from gptdesk.inference.sampling.settings import GREEDY_BELOW

Floats = npt.NDArray[np.float32]

INF: Final = float("inf")

_LIKELY: Final = 2048
"""Tokens among which `typical_p` looks first for where its probability is reached."""


def kept_places(logits: Floats) -> slice | npt.NDArray[np.int64]:
    """Ascending places of the tokens that no sampler has removed; a slice of all, if those are more than half."""
    kept = logits > -INF
    return slice(None) if 2 * np.count_nonzero(kept) > len(kept) else np.flatnonzero(kept)


def softmax(logits: Floats) -> Floats:
    """The probabilities, float32; zeros where every token is removed."""
    powers = powers_of(logits)
    powers /= np.float32(powers.sum(dtype=np.float64) or 1)
    return powers


def powers_of(logits: Floats) -> Floats:
    """exp(logits - the largest), float32; zeros where every token is removed."""
    largest = logits.max()
    if largest == -INF:
        return np.zeros_like(logits)
    with np.errstate(over="ignore"):  # to -inf, whose power is 0
        powers: Floats = logits - largest
    return np.exp(powers, out=powers)


def log_normalizer(logits: Floats) -> float:
    """ln of the sum of exp(logits), in float64; not all tokens may be removed."""
    return float(logits.max()) + math.log(powers_of(logits).sum(dtype=np.float64))


def keep_where(logits: Floats, keep: npt.NDArray[np.bool_]) -> Floats:
    """The logits where ``keep`` is true, -inf elsewhere."""
    # Choosing number by number, as np.where does, takes ten times as long: half of the branches are predicted wrong.
    kept = keep.astype(np.float32)
    with np.errstate(divide="ignore"):
        np.divide(1, kept, out=kept)
    kept -= 1  # 0 or infinity
    return np.subtract(logits, kept, out=kept)


def temperature(logits: Floats, value: float) -> Floats:
    """Divides by the temperature, as `plain.temperature`."""
    return logits / np.float32(value)


def dynamic_temperature(logits: Floats, middle: float, spread: float, exponent: float) -> Floats:
    """Divides by a temperature that follows the entropy, as `plain.dynamic_temperature`."""
    value = entropy_temperature(logits, middle, spread, exponent)
    if value is None:
        return logits
    return temperature(logits, value) if value >= GREEDY_BELOW else keep_where(logits, logits >= logits.max())


def entropy_temperature(logits: Floats, middle: float, spread: float, exponent: float) -> float | None:
    """The temperature by which `dynamic_temperature` divides; None where fewer than two tokens are left."""
    left = logits[logits > -INF].astype(np.float64)
    if len(left) < 2:
        return None
    below = left.max() - left
    powers = np.exp(-below)
    total = float(powers.sum())
    share = float(math.log(total) + np.dot(powers, below) / total) / math.log(len(left))
    low, high = max(0.0, middle - spread), middle + spread
    value: float = low + (high - low) * min(1.0, max(0.0, share)) ** exponent  # mypy: a negative base has no real power
    return value


def top_n_sigma(logits: Floats, n: float) -> Floats:
    """Keeps logits near the highest one, as `plain.top_n_sigma`."""
    left = logits[logits > -INF].astype(np.float64)
    if len(left) < 2:
        return logits
    return keep_where(logits, logits >= left.max() - n * left.std())


def top_k(logits: Floats, k: int) -> Floats:
    """Keeps the k largest, as `plain.top_k`."""
    if k >= len(logits):
        return logits
    place = len(logits) - k
    return keep_where(logits, logits >= np.partition(logits, place)[place])


def top_p(logits: Floats, p: float) -> Floats:
    """Keeps the smallest set that reaches probability ``p``, as `plain.top_p`; sorts only what is not removed yet."""
    ascending = np.sort(logits[kept_places(logits)])
    if not len(ascending) or ascending[-1] == -INF:
        return logits
    # reached[i]: probability of i and all that are less likely.
    reached = softmax(ascending).cumsum(dtype=np.float64).astype(np.float32)
    cut = min(int(reached.searchsorted(np.float32(1 - p), side="right")), len(ascending) - 1)
    least = ascending[cut]
    kept = keep_where(logits, logits >= least)
    if cut and ascending[cut - 1] == least:  # some of several equal logits go and others stay: those of higher ids
        equal = np.flatnonzero(logits == least)
        kept[equal[: cut - int(ascending.searchsorted(least))]] = -INF
    return kept


def min_p(logits: Floats, p: float) -> Floats:
    """Removes tokens less likely than ``p`` times the most likely, as `plain.min_p`."""
    return keep_where(logits, powers_of(logits) >= np.float32(p))


def typical_p(logits: Floats, p: float) -> Floats:
    """Keeps the tokens of typical surprise, as `plain.typical_p`; tokens just as near in the order of their logits."""
    kept = kept_places(logits)
    values = logits[kept]
    if not len(values) or values.max() == -INF:
        return logits
    normalizer = log_normalizer(values)
    with np.errstate(invalid="ignore"):
        logprobs = values - np.float32(normalizer)
        probs = np.exp(logprobs)
        entropy = -np.nansum(logprobs * probs, dtype=np.float64)  # 0 * -inf is NaN and counts as 0
    distance = np.abs(logprobs + np.float32(entropy))  # of -log q
    # Bits of floats that are not negative sort like the floats. Below them lie the logits' own, because NumPy sorts
    # integers some 20 times faster than anything together with its places.
    keys = distance.view(np.uint32).astype(np.uint64)
    keys <<= np.uint64(32)
    keys |= values.view(np.uint32)
    keys.sort()
    nearest_first = keys.astype(np.uint32).view(np.float32)
    reached = np.exp(nearest_first[:_LIKELY] - np.float32(normalizer)).cumsum(dtype=np.float64)
    if reached[-1] < p:
        reached = np.exp(nearest_first - np.float32(normalizer)).cumsum(dtype=np.float64)
    last = min(int(reached.astype(np.float32).searchsorted(np.float32(p))), len(keys) - 1)
    near = np.zeros(len(logits), np.bool_)
    near[kept] = distance.view(np.uint32) <= np.uint32(keys[last] >> np.uint64(32))
    return keep_where(logits, near)


def exclude_top_choices(logits: Floats, threshold: float) -> Floats:
    """Removes all but the least likely of the tokens that reach ``threshold``, as `plain.exclude_top_choices`."""
    top = np.flatnonzero(softmax(logits) >= np.float32(threshold))
    if len(top) < 2:
        return logits
    keep = np.ones(len(logits), np.bool_)
    keep[top] = False
    keep[top[logits[top] == logits[top].min()][-1]] = True
    return keep_where(logits, keep)
