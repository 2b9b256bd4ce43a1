"""The loss and gradients of the last layer, some tokens at a time: where most of a small model's time and memory go.

A matrix of logits has a row for each token and a column for each of 50,257 words; with its gradient it is far larger
than all else that a training step holds. Here it exists for some rows at a time, which already give their share of the
gradients. Figures: benchmarks/README.md.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor

from trainer.data import IGNORED

_ROWS: Final = 512
"""Tokens at a time: with GPT-2's vocabulary 50 MB of logits at 16 bits, and enough work for all cores."""

_MOST_PARTS: Final = 16
"""The compiler unrolls the loop, so larger batches are cut into larger parts instead of more."""


def rows_at_once(tokens: int) -> int:
    """Rows of logits that exist together in a batch of so many tokens."""
    return max(_ROWS, -(-tokens // _MOST_PARTS))


class _HeadLoss(torch.autograd.Function):
    """Summed cross-entropy of (n, C) hidden states, with both gradients worked out on the way forward.

    The gradient of a row of logits is softmax - one-hot, and the softmax e / sum(e) with e = exp(logits - max). The
    division scales a row, so it is done to the (n, C) factor of each product and not to the (n, V) one; the one-hot
    part is a row of the weights. So every logit is looked at twice, for the maximum and for e, and never again.
    """

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, targets: Tensor, dtype: torch.dtype) -> Tensor:
        rows = rows_at_once(len(hidden))
        counts = (targets != IGNORED).unsqueeze(1)  # (n, 1)
        wanted = torch.where(counts.squeeze(1), targets, 0)  # (n)
        low_weight, low_hidden = weight.to(dtype), hidden.to(dtype)
        learns_weight = ctx.needs_input_grad[1]
        grad_weight = torch.zeros_like(weight) if learns_weight else None
        losses, grads = [], []
        for x, y, counted in zip(low_hidden.split(rows), wanted.split(rows), counts.split(rows), strict=True):
            logits = x @ low_weight.t()  # (rows, V)
            top = logits.amax(dim=1, keepdim=True).float()
            e = (logits.float() - top).exp()
            total = e.sum(dim=1, keepdim=True)
            e = e.to(dtype)
            losses.append(((total.log() + top - logits.gather(1, y.unsqueeze(1)).float()) * counted).sum())
            scale = counted / total
            grads.append((e @ low_weight).float() * scale - weight[y] * counted)
            if grad_weight is not None:
                grad_weight += (e.t() @ (x.float() * scale).to(dtype)).float()
        if grad_weight is not None:
            grad_weight.index_add_(0, wanted, -hidden.float() * counts)
        ctx.save_for_backward(torch.cat(grads).to(hidden.dtype), grad_weight)
        return torch.stack(losses).sum()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        grad_hidden, grad_weight = ctx.saved_tensors
        return grad_hidden * grads[0], None if grad_weight is None else grad_weight * grads[0], None, None


def head_loss(hidden: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
    """Summed cross-entropy in nats of ``targets``, for training: the gradients are computed whether wanted or not.

    Args:
        hidden: (B, T, C), what the head reads.
        weight: (V, C) float32, of the head.
        targets: (B, T) int64; those of -100 do not count.

    Returns:
        A float32 scalar. Products are of autocast's type, sums float32.
    """
    device = hidden.device.type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else hidden.dtype
    with torch.autocast(device, enabled=False):
        loss: Tensor = _HeadLoss.apply(hidden.flatten(0, 1), weight, targets.flatten(), dtype)  # type: ignore[no-untyped-call]
    return loss
