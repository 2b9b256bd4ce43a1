"""Temperature and cut-offs in plain torch: the reference of `gptdesk.inference.sampling.fast`.

Each takes and returns the logits of one sequence, (V) float32; what it removes becomes -inf. The operations are those
of ``transformers`` (generation/logits_process.py), in its order, because rounding depends on them; those of
llama.cpp (src/llama-sampling.cpp) where ``transformers`` does not have the sampler.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gptdesk.inference.sampling.settings import GREEDY_BELOW

INF = float("inf")


def temperature(logits: Tensor, value: float) -> Tensor:
    """Divides by the temperature: under 1 sharpens the distribution, above 1 flattens it."""
    return logits / value


def dynamic_temperature(logits: Tensor, middle: float, spread: float, exponent: float) -> Tensor:
    """Divides by a temperature from ``middle - spread`` to ``middle + spread`` that grows with the entropy of the
    distribution, relative to that of equal probabilities, to the power of ``exponent`` (kalomaze 2023;
    ``llama_sampler_temp_ext_apply``). One token alone stays as it is; temperature 0 leaves the most likely."""
    left = logits[logits > -INF].double()
    if len(left) < 2:
        return logits
    logprobs = left.log_softmax(dim=0)
    share = float(-(logprobs * logprobs.exp()).nansum()) / math.log(len(left))
    low, high = max(0.0, middle - spread), middle + spread
    value = low + (high - low) * min(1.0, max(0.0, share)) ** exponent
    return logits / value if value >= GREEDY_BELOW else logits.masked_fill(logits < logits.max(), -INF)


def top_n_sigma(logits: Tensor, n: float) -> Tensor:
    """Removes logits more than ``n`` standard deviations below the highest (Tang et al. 2024, "Top-nσ: Not All Logits
    Are You Need", https://arxiv.org/abs/2411.07641; ``llama_sampler_top_n_sigma_apply``)."""
    left = logits[logits > -INF].double()
    if len(left) < 2:
        return logits
    sigma = ((left - left.mean()) ** 2).mean().sqrt()
    return logits.masked_fill(logits.double() < left.max() - n * sigma, -INF)


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


def exclude_top_choices(logits: Tensor, threshold: float) -> Tensor:
    """Removes every token that is at least as likely as ``threshold``, but for the least likely of them
    (``XTCLogitsWarper``); of equals the one with the highest id stays."""
    descending, ids = logits.sort(descending=True, stable=True)
    probs = descending.softmax(dim=0)
    removed = torch.zeros_like(probs, dtype=torch.bool)
    removed[:-1] = probs[1:] >= threshold  # the next token reaches it, too
    return logits.masked_fill(torch.zeros_like(removed).scatter(0, ids, removed), -INF)
