"""Validation loss."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import torch
from torch import Tensor

from gptdesk.gpt2.errors import UserError
from trainer.data import IGNORED
from trainer.shards import TokenSet


@torch.no_grad()
def validation_loss(
    loss_sum: Callable[[Tensor, Tensor], Tensor],
    tokens: TokenSet,
    *,
    context_length: int,
    batch_size: int,
    device: torch.device,
    autocast: Callable[[], AbstractContextManager[object]],
    limit: int | None = None,
) -> tuple[float, int]:
    """Mean cross-entropy in nats a token over windows side by side, and how many tokens were scored.

    Each window of T tokens starts afresh, so that its first tokens see little context; the figure is a little above
    that of a sliding window. With ``limit``, that many tokens are read, in windows spread evenly over the split. Tokens
    that the data says are not to be learnt (of prompts) are read and not scored.

    Args:
        loss_sum: summed loss of inputs and targets, (B, T) int64 each; targets of -100 do not count.

    Raises:
        UserError: when there is nothing to score.
    """
    T = context_length
    starts = list(range(0, max(1, len(tokens) - 1), T))
    if limit is not None and limit < len(tokens):
        wanted = max(1, limit // T)
        starts = [starts[i * len(starts) // wanted] for i in range(min(wanted, len(starts)))]
    total, counted = 0.0, 0
    for first in range(0, len(starts), batch_size):
        inputs = torch.zeros(batch_size, T, dtype=torch.int64)
        targets = torch.full((batch_size, T), IGNORED)
        for row, start in enumerate(starts[first : first + batch_size]):
            window = torch.from_numpy(tokens.read(start, min(T + 1, len(tokens) - start)))
            inputs[row, : len(window) - 1] = window[:-1]
            targets[row, : len(window) - 1] = window[1:]
            scored = tokens.read_weights(start + 1, len(window) - 1)
            if scored is not None:
                targets[row, : len(window) - 1][~torch.from_numpy(scored)] = IGNORED
        counted += int((targets != IGNORED).sum())
        with autocast():
            total += loss_sum(inputs.to(device), targets.to(device)).item()
    if not counted:
        raise UserError("The validation data holds no tokens to score: prepare more, or read more of it.")
    return total / counted, counted
