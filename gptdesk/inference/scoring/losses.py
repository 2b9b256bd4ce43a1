"""Log-probabilities of given tokens from the network's output, the head computed at those positions alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from gptdesk.gpt2.model import GPT2
from gptdesk.inference.block_sizes import SCORED_AT_ONCE
from gptdesk.inference.prediction import check_numbers
from gptdesk.inference.scoring.scores import TokenScores

_FLOATS_AT_ONCE: Final = 25 << 20
"""Logits held at once: 100 MB of float32, 512 positions of OpenAI's vocabulary."""


def logits_at(model: GPT2, hidden: Tensor, vocab_size: int) -> Tensor:
    """Logits of the token after each of some positions, in float32 whatever the weights are.

    Args:
        hidden: the network's output at those positions, (n, C).
        vocab_size: ids from there on only pad the model's vocabulary.

    Returns:
        (n, vocab_size) float32, on the model's device.
    """
    weight = getattr(model.lm_head, "weight", None)
    if weight is None or weight.dtype == torch.float32:  # quantised ones compute in float32
        logits: Tensor = model.lm_head(hidden)
    else:  # GPT-2's logits lie near -100, where bfloat16 has steps of 0.5
        logits = F.linear(hidden.float(), weight.float())
    return logits[:, :vocab_size]


def losses_and_hits(model: GPT2, hidden: Tensor, targets: Tensor, vocab_size: int) -> tuple[Tensor, Tensor]:
    """Losses in nats of ``targets``, (n) float32 on the CPU, and whether each was the most likely token, (n) bool.

    Args:
        hidden: the network's output before each target, (n, C).
        targets: (n) int64, on the same device.
        vocab_size: as for `logits_at`.
    """
    losses, hits = [], []
    for x, y in _parts(hidden, targets, max(1, _FLOATS_AT_ONCE // vocab_size)):
        logits = logits_at(model, x, vocab_size)
        losses.append(_losses(logits, y).cpu())
        hits.append((logits.argmax(dim=-1) == y).cpu())
    return torch.cat(losses), torch.cat(hits)


@torch.inference_mode()
def token_scores(
    model: GPT2, hidden: Tensor, targets: Tensor, vocab_size: int, *, top: int, interrupted: Callable[[], bool]
) -> TokenScores | None:
    """Scores of ``targets``.

    Args:
        hidden, targets, vocab_size: as for `losses_and_hits`.
        top: how many alternatives to find, at most the vocabulary.
        interrupted: asked every few positions.

    Returns:
        ``None`` when ``interrupted`` returned True.

    Raises:
        UserError: when the model computes values that are not numbers.
    """
    parts = []
    for x, y in _parts(hidden, targets, SCORED_AT_ONCE):
        if interrupted():
            return None
        parts.append(_scores(logits_at(model, x, vocab_size), y, min(top, vocab_size)))
    return TokenScores(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _scores(logits: Tensor, targets: Tensor, top: int) -> TokenScores:
    """Scores of ``targets``, (n), by their ``logits``, (n, V)."""
    logprobs = -_losses(logits, targets)  # (n)
    log_softmax = logits.log_softmax(dim=-1)  # (n, V)
    probs = log_softmax.exp()
    entropies = torch.where(probs > 0, -probs * log_softmax, 0.0).sum(dim=-1)  # 0 log 0 counts as 0
    ranks = 1 + (logits > logits.gather(1, targets[:, None])).sum(dim=-1)
    best, ids = log_softmax.topk(top, dim=-1)  # (n, top)
    check_numbers(float(logprobs.sum()))
    return TokenScores(
        logprobs.cpu().numpy(),
        ranks.int().cpu().numpy(),
        entropies.cpu().numpy(),
        ids.int().cpu().numpy(),
        best.cpu().numpy(),
    )


def _losses(logits: Tensor, targets: Tensor) -> Tensor:
    """-ln p of ``targets``, (n), by their ``logits``, (n, V): (n) float32."""
    return F.cross_entropy(logits, targets, reduction="none")


def _parts(hidden: Tensor, targets: Tensor, rows: int) -> Iterator[tuple[Tensor, Tensor]]:
    return zip(hidden.split(rows), targets.split(rows), strict=True)
