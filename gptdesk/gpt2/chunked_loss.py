"""Last layer and cross-entropy together, some rows at a time, so that the logits are never all there at once."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional as F

IGNORED: Final = -100
"""Target that does not count, as in `torch.nn.functional.cross_entropy`."""

_ROWS: Final = 8192
"""Rows of logits at a time: enough to fill a GPU, and with 50,304 columns in 16 bits 0.8 GB."""

_LEAST_LOGITS: Final = 2**28
"""Logits from which they are worked out in chunks: half a gigabyte in 16 bits, and as much again for their gradient."""


def pays_in_chunks(x: Tensor, weight: Tensor) -> bool:
    """Whether to take `chunked_cross_entropy`: on CUDA, where all logits would take much memory.

    Not in float16, whose small numbers need the loss scaled before the logits' gradient is rounded.

    Args:
        x: (..., C), what the last layer reads.
        weight: (V, C), of the last layer.
    """
    return (
        x.device.type == "cuda"
        and x.numel() // x.shape[-1] * weight.shape[0] >= _LEAST_LOGITS
        and product_dtype(x) != torch.float16
    )


def product_dtype(x: Tensor) -> torch.dtype:
    """The dtype in which a linear layer multiplies ``x``: autocast's, or its own."""
    device = x.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else x.dtype


def chunked_cross_entropy(x: Tensor, weight: Tensor, targets: Tensor, *, rows: int = _ROWS) -> Tensor:
    """Summed cross-entropy in nats of softmax(x weight^T), float32; targets of -100 do not count.

    The forward pass works out both gradients as well, chunk by chunk while the logits are at hand, so that the backward
    pass only scales them (Hsu et al. 2024, "Liger Kernel", FusedLinearCrossEntropy). The weight's are added up in
    float32.

    Args:
        x: (N, C), what the last layer reads.
        weight: (V, C), of the last layer.
        targets: (N) int64.
        rows: of ``x`` in a chunk.
    """
    dtype = product_dtype(x)
    if torch.is_grad_enabled() and (x.requires_grad or weight.requires_grad):
        total: Tensor = _ChunkedCrossEntropy.apply(x, weight, targets, dtype, rows)  # type: ignore[no-untyped-call]
        return total
    head, total = weight.to(dtype), x.new_zeros((), dtype=torch.float32)
    for start in range(0, len(x), rows):
        logits = x[start : start + rows].to(dtype) @ head.T
        total = total + F.cross_entropy(logits.float(), targets[start : start + rows], reduction="sum")
    return total


class _ChunkedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, targets: Tensor, dtype: torch.dtype, rows: int) -> Tensor:
        head, columns = weight.to(dtype), torch.arange(len(weight), device=x.device)
        total = torch.zeros((), dtype=torch.float32, device=x.device)
        weight_gradient = None
        if ctx.needs_input_grad[1]:
            weight_gradient = torch.zeros(weight.shape, dtype=torch.float32, device=x.device)
        x_gradients = []
        for start in range(0, len(x), rows):
            read = x[start : start + rows].to(dtype)  # (n, C)
            target = targets[start : start + rows, None]  # (n, 1)
            counts = target != IGNORED
            logits = (read @ head.T).float()  # (n, V)
            normalizer = logits.logsumexp(dim=1, keepdim=True)
            picked = logits.gather(1, target.clamp(min=0))
            total = total + ((normalizer - picked) * counts).sum()
            # d loss / d logits = softmax - one-hot
            gradient = (((logits - normalizer).exp() - (columns == target).float()) * counts).to(dtype)
            x_gradients.append((gradient @ head).to(x.dtype))
            if weight_gradient is not None:
                weight_gradient = weight_gradient + gradient.T @ read
        ctx.save_for_backward(torch.cat(x_gradients), weight_gradient)
        return total

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, Tensor | None, None, None, None]:
        x_gradient, weight_gradient = ctx.saved_tensors
        scaled = weight_gradient * upstream[0] if weight_gradient is not None else None
        return x_gradient * upstream[0], scaled, None, None, None
