"""Causal attention for training on a CPU: products of matrices, a block of queries at a time."""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor

_QUERIES: Final = 128
"""Queries in a block; with 64 and 256 it was slower."""

_MOST_WEIGHTS: Final = 2**25
"""Attention weights of a layer, (B, nh, T, T), up to which they are kept for the backward pass: some 100 MB."""


def pays_in_blocks(q: Tensor, k: Tensor) -> bool:
    """Whether `causal_attention_in_blocks` beats PyTorch's fused attention: in a compiled training step in bfloat16.

    There the fused kernel for CPUs takes 1.5 to 2.1 times as long (`benchmarks/RESULTS.md`). It keeps no weights, which
    is why long sequences stay with it.
    """
    B, nh, T, _ = q.shape
    return (
        torch.compiler.is_compiling()
        and q.device.type == "cpu"
        and q.dtype == torch.bfloat16
        and q.requires_grad
        and k.shape[2] == T
        and B * nh * T * T <= _MOST_WEIGHTS
    )


def causal_attention_in_blocks(q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
    """softmax(scale q k^T) v, in which query i attends to keys 0 to i; the softmax in float32.

    Products of a block of queries with the keys after its last one are left out.

    Args:
        q, k, v: (B, nh, T, hs) each, in one dtype.
        scale: of the products before the softmax.

    Returns:
        (B, nh, T, hs) in the dtype of ``v``.
    """
    T = q.shape[2]
    blocks = []
    for start in range(0, T, _QUERIES):
        end = min(start + _QUERIES, T)
        future = torch.ones(end - start, end, dtype=torch.bool, device=q.device).triu(start + 1)
        scores = q[:, :, start:end] @ k[:, :, :end].transpose(-1, -2)  # (B, nh, queries, end)
        weights = torch.softmax((scores.float() * scale).masked_fill(future, -math.inf), dim=-1)
        blocks.append(weights.to(v.dtype) @ v[:, :, :end])
    return torch.cat(blocks, dim=2)
