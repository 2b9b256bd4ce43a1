"""Quantisation of weights to int8 or int4, and back.

int8: values from -127 to 127 and one scale per row. int4: values from -8 to 7 and one scale per group of 32 weights of
a row, as in llama.cpp's Q4_0 (ggml/src/ggml-quants.c).
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

from gptdesk.inference.cpu.group_size import GROUP

_LARGEST: Final = 127
_ZERO: Final = 8
"""The unsigned 4-bit value of 0."""

_SHRINK: Final = (1.0, 0.95, 0.9, 0.85)
"""Fractions of a group's largest weight that are tried as its range: smaller ones round the other weights finer."""

_AT_ONCE: Final = 2**17
"""Weights per block: few enough to stay in the processor's cache from one operation to the next."""


def quantize_rows(weights: Tensor, qweight: Tensor, scales: Tensor) -> None:
    """Rounds each row to multiples of its largest absolute weight / 127.

    Args:
        weights: (rows, columns), on the CPU, in any floating dtype.
        qweight: (rows, columns) int8, output.
        scales: (rows) float32, output.
    """
    rows = max(1, _AT_ONCE // weights.shape[1])
    for part, rounded, scale in zip(weights.split(rows), qweight.split(rows), scales.split(rows), strict=True):
        part = part.float()
        lowest, highest = part.aminmax(dim=1)
        torch.maximum(highest, -lowest, out=scale).div_(_LARGEST)
        divisor = scale.where(scale > 0, 1)  # rows of zeros have the scale 0
        rounded.copy_((part / divisor[:, None]).round_())


def dequantize_rows(qweight: Tensor, scales: Tensor) -> Tensor:
    """The float32 weights of int8 ``qweight``, (rows, columns), and ``scales``, (rows)."""
    return qweight.float().mul_(scales[:, None])


def groups_in(columns: int) -> int:
    """Number of int4 groups in a row of ``columns`` weights; the last group is padded with zeros."""
    return -(-columns // GROUP)


def quantize_groups(weights: Tensor, qweight: Tensor, scales: Tensor) -> None:
    """Rounds each group of 32 weights to 16 multiples of a scale, chosen from a few by least squared error.

    Args:
        weights: (rows, columns), on the CPU, in any floating dtype.
        qweight: (rows, groups * 16) uint8, output: byte i of a group contains weight i of the group in its lower and
            weight 16 + i in its upper four bits, with 8 added; 0 for padding.
        scales: (rows, groups) float32, output.
    """
    columns, groups = weights.shape[1], scales.shape[1]
    rows = max(1, _AT_ONCE // columns)
    for part, packed, scale in zip(weights.split(rows), qweight.split(rows), scales.split(rows), strict=True):
        padded = F.pad(part.float(), (0, GROUP * groups - columns)).contiguous()
        w = padded.view(-1, GROUP)  # (rows * groups, 32)
        extreme = w.gather(1, w.abs().argmax(dim=1, keepdim=True))
        best = torch.full((len(w), 1), float("inf"))
        best_numbers = torch.zeros_like(w)
        for shrink in _SHRINK:  # the extreme becomes -8, of which there is one more than of positive values
            tried = extreme * (-shrink / _ZERO)
            rounded = (w / tried.where(tried != 0, 1)).round_().clamp_(-_ZERO, _ZERO - 1)
            error = (rounded * tried - w).square_().sum(dim=1, keepdim=True)
            better = error < best
            best = torch.where(better, error, best)
            best_numbers = torch.where(better, rounded, best_numbers)
        # The scale with the least squared error for these values.
        fitted = (w * best_numbers).sum(dim=1) / best_numbers.square().sum(dim=1).clamp_(min=1)
        scale.copy_(fitted.view(-1, groups))
        positive = best_numbers.add_(_ZERO).to(torch.uint8).view(len(part), -1)
        positive[:, columns:] = 0
        positive = positive.view(-1, groups, 2, GROUP // 2)
        packed.copy_((positive[:, :, 0] | positive[:, :, 1] << 4).view(len(part), -1))


def dequantize_groups(qweight: Tensor, scales: Tensor, columns: int) -> Tensor:
    """The float32 weights, (rows, columns), of the output of `quantize_groups`."""
    rows, groups = scales.shape
    bytes_of_group = qweight.view(rows, groups, GROUP // 2)
    values = torch.empty(rows, groups, 2, GROUP // 2)
    values[:, :, 0] = bytes_of_group & 15
    values[:, :, 1] = bytes_of_group >> 4
    values.sub_(_ZERO).mul_(scales[:, :, None, None])
    return values.view(rows, -1)[:, :columns]
