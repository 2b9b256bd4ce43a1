"""The cut-offs in plain torch: the reference of `fast`, which computes the same bits several times faster.

Each takes and returns the logits of one sequence, (V) float32; what it removes becomes -inf. The operations are those
of ``transformers`` (generation/logits_process.py), in its order, because rounding depends on them.
"""

from __future__ import annotations

import torch
from torch import Tensor

INF = float("inf")


def temperature(logits: Tensor, value: float) -> Tensor:
    """Divides by the temperature: under 1 sharpens the distribution, above 1 flattens it."""
    return logits / value


def top_k(logits: Tensor, k: int) -> Tensor:
    """Keeps the k largest, and what is tied with the last of them (Fan et al. 2018)."""
    least = logits.topk(min(k, len(logits))).values[-1]
    return logits.masked_fill(logits < least, -INF)


def top_p(logits: Tensor, p: float) -> Tensor:
    """Keeps the smallest set of most likely tokens that reaches probability ``p``, at least one (Holtzman et al. 2019).

    OpenAI's own sampler kept one token fewer: those up to which the sum does not pass p (gpt-2/src/sample.py).
    """
    ascending, ids = logits.sort()
    removed = ascending.softmax(dim=0).cumsum(dim=0) <= 1 - p  # of a token and all that are less likely
    removed[-1] = False
    return logits.masked_fill(torch.zeros_like(removed).scatter(0, ids, removed), -INF)


def min_p(logits: Tensor, p: float) -> Tensor:
    """Removes tokens less likely than ``p`` times the most likely (Nguyen et al. 2024, "Turning Up the Heat")."""
    probs = logits.softmax(dim=0)
    return logits.masked_fill(probs < p * probs.max(), -INF)


def typical_p(logits: Tensor, p: float) -> Tensor:
    """Keeps the tokens whose surprise -log q is nearest to the entropy until they reach probability ``p``, at least one
    (Meister et al. 2022, "Locally Typical Sampling")."""
    logprobs = logits.log_softmax(dim=0)
    entropy = -(logprobs * logprobs.exp()).nansum()  # 0 * -inf is NaN and counts as 0
    distance, ids = (-logprobs - entropy).abs().sort()
    reached = logits[ids].softmax(dim=0).cumsum(dim=0)
    last = int((reached < p).sum().clamp(max=len(ids) - 1))
    removed = distance > distance[last]
    return logits.masked_fill(torch.zeros_like(removed).scatter(0, ids, removed), -INF)
