"""Validation loss over windows or packed records, a token and a byte."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple

import torch
from torch import Tensor

from gptdesk.errors import UserError
from gptdesk.inference.scoring.scores import bits_per_byte
from trainer.data.packing import PackedWindows
from trainer.data.shards import TokenSet
from trainer.data.windows import IGNORED


class Validation(NamedTuple):
    """A loss on validation text.

    Attributes:
        loss: mean cross-entropy, in nats a token.
        tokens: scored.
        bits_per_byte: the same loss a byte of UTF-8, which compares models of different vocabularies: summed
            cross-entropy in bits / bytes that the scored tokens stand for. Tokens that end a text count among the
            former and stand for no byte. NaN where there is no byte.
    """

    loss: float
    tokens: int
    bits_per_byte: float


@torch.no_grad()
def validation_loss(
    loss_sum: Callable[[Tensor, Tensor], Tensor],
    tokens: TokenSet,
    *,
    context_length: int,
    batch_size: int,
    token_bytes: Tensor,
    device: torch.device,
    autocast: Callable[[], AbstractContextManager[object]],
    limit: int | None = None,
    packed: PackedWindows | None = None,
) -> Validation:
    """Cross-entropy over windows side by side.

    Each window of T tokens starts afresh, so that its first tokens see little context; the figure is a little above
    that of a sliding window. With ``limit``, that many tokens are read, in windows spread evenly over the split. Tokens
    that the data says are not to be learnt (of prompts) are read and not scored.

    Args:
        token_bytes: (V) int64, bytes of each token, see `trainer.data.tokenizer.token_lengths`.
        loss_sum: summed loss of inputs and targets, (B, T) int64 each; targets of -100 do not count.
        packed: the windows of data that holds records, in the place of windows side by side.

    Raises:
        UserError: when there is nothing to score.
    """
    T = context_length
    count = packed.count if packed else -(-max(0, len(tokens) - 1) // T)
    windows = list(range(count))
    if limit is not None and limit < len(tokens):
        wanted = max(1, limit // T)
        windows = [i * count // wanted for i in range(min(wanted, count))]
    total, counted, size = 0.0, 0, 0
    for first in range(0, len(windows), batch_size):
        inputs = torch.zeros(batch_size, T, dtype=torch.int64)
        targets = torch.full((batch_size, T), IGNORED)
        for row, window in enumerate(windows[first : first + batch_size]):
            if packed:
                inputs[row], targets[row] = map(torch.from_numpy, packed.read(window))
            else:
                _read_window(tokens, window * T, inputs[row], targets[row])
        scored = targets[targets != IGNORED]
        counted += len(scored)
        size += int(token_bytes[scored].sum())
        with autocast():
            total += loss_sum(inputs.to(device), targets.to(device)).item()
    if not counted:
        raise UserError("The validation data holds no tokens to score: prepare more, or read more of it.")
    return Validation(total / counted, counted, bits_per_byte(total, size))


def _read_window(tokens: TokenSet, start: int, inputs: Tensor, targets: Tensor) -> None:
    """Fills inputs and targets, (T) each, from ``start`` on, as far as there are tokens."""
    window = torch.from_numpy(tokens.read(start, min(len(inputs) + 1, len(tokens) - start)))
    inputs[: len(window) - 1] = window[:-1]
    targets[: len(window) - 1] = window[1:]
    scored = tokens.read_weights(start + 1, len(window) - 1)
    if scored is not None:
        targets[: len(window) - 1][~torch.from_numpy(scored)] = IGNORED
