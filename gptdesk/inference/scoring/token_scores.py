"""Scores of given tokens from a network's output: in NumPy, or in torch on the device of the output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from gptdesk.inference.block_sizes import SCORED_AT_ONCE
from gptdesk.inference.network import Hidden, Network
from gptdesk.inference.prediction import check_numbers
from gptdesk.inference.scoring.scores import TokenScores

Floats = npt.NDArray[np.float32]


def token_scores(
    network: Network,
    hidden: Hidden,
    targets: npt.NDArray[np.int64],
    vocab_size: int,
    *,
    top: int,
    interrupted: Callable[[], bool],
) -> TokenScores | None:
    """Scores of the tokens that follow those of an output.

    Args:
        network: whose output it is.
        hidden: (T, C).
        targets: (T).
        vocab_size: ids from there on only pad the model's vocabulary.
        top: how many alternatives to find, at most the vocabulary.
        interrupted: asked every few positions.

    Returns:
        ``None`` when ``interrupted`` returned True.

    Raises:
        UserError: when the model computes values that are not numbers.
    """
    if not isinstance(hidden, np.ndarray):  # a tensor of a network in torch
        import torch

        from gptdesk.inference.scoring import losses

        on_device = torch.from_numpy(np.ascontiguousarray(targets)).to(hidden.device)
        model = cast(Any, network).model
        return losses.token_scores(model, hidden, on_device, vocab_size, top=top, interrupted=interrupted)
    parts = []
    for first in range(0, len(hidden), SCORED_AT_ONCE):
        if interrupted():
            return None
        part = slice(first, first + SCORED_AT_ONCE)
        parts.append(_scores(network.logits(hidden[part], vocab_size), targets[part], min(top, vocab_size)))
    return TokenScores(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _scores(logits: Floats, targets: npt.NDArray[np.int64], top: int) -> TokenScores:
    """Scores of ``targets``, (n), by their ``logits``, (n, V)."""
    own = np.take_along_axis(logits, targets[:, None], axis=1)  # (n, 1)
    with np.errstate(over="ignore", invalid="ignore"):
        below = logits.max(axis=1, keepdims=True) - logits
        powers = np.exp(-below)
        totals = np.log(powers.sum(axis=1, dtype=np.float64))  # (n)
        entropies = totals + np.nansum(powers * below, axis=1, dtype=np.float64) / np.exp(totals)  # 0 * inf counts as 0
        logprobs = -np.take_along_axis(below, targets[:, None], axis=1)[:, 0] - totals
    check_numbers(float(logprobs.sum()))
    ids = _most_likely(logits, top)
    best = -np.take_along_axis(below, ids, axis=1) - totals[:, None]
    return TokenScores(
        logprobs.astype(np.float32),
        1 + np.count_nonzero(logits > own, axis=1).astype(np.int32),
        entropies.astype(np.float32),
        ids.astype(np.int32),
        best.astype(np.float32),
    )


def _most_likely(logits: Floats, top: int) -> npt.NDArray[np.int64]:
    """Ids of the ``top`` largest logits of each row, (n, top), the largest first."""
    if not top:
        return np.empty((len(logits), 0), np.int64)
    last = logits.shape[1] - top
    ids = np.argpartition(logits, last, axis=1)[:, last:] if last else np.argsort(logits, axis=1)
    order = np.argsort(-np.take_along_axis(logits, ids, axis=1), axis=1, kind="stable")
    return np.take_along_axis(ids, order, axis=1)
