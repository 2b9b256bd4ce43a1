"""Causal attention in the training step on a CPU: products by blocks of queries against PyTorch's fused kernel.

    python -m benchmarks.attention [--turns N] [--json OUT]

One layer in bfloat16, compiled, forward and backward, on one thread; both take turns. Figures are medians of processor
time, so that what else the machine does counts little.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.machine import describe_machine, hand_over
from gptdesk.gpt2.block_attention import causal_attention_in_blocks

_SHAPES: Final = {
    "5 heads of 64, 12 x 512 tokens": (12, 5, 512, 64),
    "6 heads of 32, 12 x 512 tokens": (12, 6, 512, 32),
    "12 heads of 64, 2 x 1,024 tokens": (2, 12, 1024, 64),
}
"""(B, nh, T, hs)."""


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    rows = {name: _measure(shape, chosen.turns) for name, shape in _SHAPES.items()}
    lines = ["| one layer | fused, ms | by blocks, ms | times as fast |", "| --- | --- | --- | --- |"]
    for name, (fused, blocks) in rows.items():
        lines.append(f"| {name} | {fused:.0f} | {blocks:.0f} | {fused / blocks:.2f} |")
    hand_over({"machine": describe_machine("torch"), "milliseconds": rows}, "\n".join(lines), chosen.json)


def _measure(shape: tuple[int, int, int, int], turns: int) -> tuple[float, float]:
    """Median milliseconds of processor time of the fused kernel and of blocks."""
    B, nh, T, hs = shape
    scale = hs**-0.5
    layers = [
        _layer(shape, lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=scale)),
        _layer(shape, lambda q, k, v: causal_attention_in_blocks(q, k, v, scale)),
    ]
    qkv = torch.randn(B, T, 3 * nh * hs, dtype=torch.bfloat16).requires_grad_()
    gradient = torch.randn(B, T, nh * hs, dtype=torch.bfloat16)
    times: list[list[float]] = [[] for _ in layers]
    for turn in range(turns + 1):  # the first one compiles
        for layer, found in zip(layers, times, strict=True):
            start = time.process_time()
            layer(qkv).backward(gradient)
            if turn:
                found.append(1e3 * (time.process_time() - start))
    return median(times[0]), median(times[1])


def _layer(
    shape: tuple[int, int, int, int], attend: Callable[[Tensor, Tensor, Tensor], Tensor]
) -> Callable[[Tensor], Tensor]:
    """Attention from what `c_attn` gives, (B, T, 3 C), to what `c_proj` takes, (B, T, C), compiled."""
    B, nh, T, hs = shape

    def layer(qkv: Tensor) -> Tensor:
        q, k, v = (part.view(B, T, nh, hs).transpose(1, 2) for part in qkv.split(nh * hs, dim=2))
        return attend(q, k, v).transpose(1, 2).reshape(B, T, nh * hs)

    compiled: Callable[[Tensor], Tensor] = torch.compile(layer, dynamic=False)
    return compiled


if __name__ == "__main__":
    main()
