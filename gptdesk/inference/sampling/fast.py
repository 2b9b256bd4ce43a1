"""Temperature and cut-offs in NumPy, and what other samplers share with them.

Each takes and returns the logits of one sequence, (V) float32; what it removes becomes -inf. Tests compare them with
``transformers`` 5.23 and with a few lines of torch each: the same tokens are kept, but for those that lie within
rounding (a few millionths of the probability) of the limit. Sums are taken in float64, so they are rounded less.
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
    """Divides by the temperature: under 1 sharpens the distribution, above 1 flattens it."""
    return logits / np.float32(value)


def dynamic_temperature(logits: Floats, middle: float, spread: float, exponent: float) -> Floats:
    """Divides by a temperature from ``middle - spread`` to ``middle + spread`` that grows with the entropy of the
    distribution, relative to that of equal probabilities, to the power of ``exponent`` (kalomaze 2023;
    ``llama_sampler_temp_ext_apply``). One token alone stays as it is; temperature 0 leaves the most likely."""
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
    """Removes logits more than ``n`` standard deviations below the highest (Tang et al. 2024, "Top-nσ: Not All Logits
    Are You Need", https://arxiv.org/abs/2411.07641; ``llama_sampler_top_n_sigma_apply``)."""
    left = logits[logits > -INF].astype(np.float64)
    if len(left) < 2:
        return logits
    return keep_where(logits, logits >= left.max() - n * left.std())


def top_k(logits: Floats, k: int) -> Floats:
    """Keeps the k largest, and what is tied with the last of them (Fan et al. 2018)."""
    if k >= len(logits):
        return logits
    place = len(logits) - k
    return keep_where(logits, logits >= np.partition(logits, place)[place])


def top_p(logits: Floats, p: float) -> Floats:
    """Keeps the smallest set of most likely tokens that reaches probability ``p``, at least one (Holtzman et al. 2019).

    OpenAI's own sampler kept one token fewer: those up to which the sum does not pass p (gpt-2/src/sample.py).
    """
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
    """Removes tokens less likely than ``p`` times the most likely (Nguyen et al. 2024, "Turning Up the Heat")."""
    return keep_where(logits, powers_of(logits) >= np.float32(p))


def typical_p(logits: Floats, p: float) -> Floats:
    """Keeps the tokens whose surprise -log q is nearest to the entropy until they reach probability ``p``, at least one
    (Meister et al. 2022, "Locally Typical Sampling"); tokens just as near in the order of their logits."""
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
    """Removes every token that is at least as likely as ``threshold``, but for the least likely of them
    (``XTCLogitsWarper``); of equals the one with the highest id stays."""
    top = np.flatnonzero(softmax(logits) >= np.float32(threshold))
    if len(top) < 2:
        return logits
    keep = np.ones(len(logits), np.bool_)
    keep[top] = False
    keep[top[logits[top] == logits[top].min()][-1]] = True
    return keep_where(logits, keep)
