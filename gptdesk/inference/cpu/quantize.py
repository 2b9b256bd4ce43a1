"""Weights in 8 or 4 bits: whole numbers, and scales by which they are multiplied.

int8 has numbers from -127 to 127 and one scale for each row. int4 has numbers from -8 to 7 and one scale for each 32
weights of a row, as llama.cpp's Q4_0 (ggml/src/ggml-quants.c) has them.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

from gptdesk.inference.cpu.group_size import GROUP

_LARGEST: Final = 127
_ZERO: Final = 8
"""The number that stands for 0 in 4 bits without a sign."""

_SHRINK: Final = (1.0, 0.95, 0.9, 0.85)
"""Shares of a group's largest weight that are tried as its range: with a smaller one the others are rounded finer."""

_AT_ONCE: Final = 2**17
"""Weights worked on at once: few enough to stay in the processor's cache between one operation and the next."""


def quantize_rows(weights: Tensor, numbers: Tensor, scales: Tensor) -> None:
    """Rounds each row to multiples of the 127th part of its largest weight.

    Args:
        weights: (rows, columns), on the CPU, in any floating dtype.
        numbers: (rows, columns) int8, is filled.
        scales: (rows) float32, is filled.
    """
    rows = max(1, _AT_ONCE // weights.shape[1])
    for part, rounded, scale in zip(weights.split(rows), numbers.split(rows), scales.split(rows), strict=True):
        part = part.float()
        lowest, highest = part.aminmax(dim=1)
        torch.maximum(highest, -lowest, out=scale).div_(_LARGEST)
        divisor = scale.where(scale > 0, 1)  # rows of zeros have the scale 0
        rounded.copy_((part / divisor[:, None]).round_())


def dequantize_rows(numbers: Tensor, scales: Tensor) -> Tensor:
    """The float32 weights for which int8 ``numbers``, (rows, columns), and their ``scales``, (rows), stand."""
    return numbers.float().mul_(scales[:, None])


def groups_in(columns: int) -> int:
    """How many scales a row of so many weights has in int4; the last group is filled up with zeros."""
    return -(-columns // GROUP)


def quantize_groups(weights: Tensor, numbers: Tensor, scales: Tensor) -> None:
    """Rounds each group of 32 weights to 16 multiples of a scale, that of a few with the least squared error.

    Args:
        weights: (rows, columns), on the CPU, in any floating dtype.
        numbers: (rows, groups * 16) uint8, is filled: byte i of a group holds the group's weight i in its lower and
            weight 16 + i in its upper four bits, 8 more than they stand for; 0 where a row has no weight.
        scales: (rows, groups) float32, is filled.
    """
    columns, groups = weights.shape[1], scales.shape[1]
    rows = max(1, _AT_ONCE // columns)
    for part, packed, scale in zip(weights.split(rows), numbers.split(rows), scales.split(rows), strict=True):
        padded = F.pad(part.float(), (0, GROUP * groups - columns)).contiguous()
        w = padded.view(-1, GROUP)  # (rows * groups, 32)
        extreme = w.gather(1, w.abs().argmax(dim=1, keepdim=True))
        best = torch.full((len(w), 1), float("inf"))
        best_numbers = torch.zeros_like(w)
        for shrink in _SHRINK:  # the extreme becomes -8, of which there is one more than of positive numbers
            tried = extreme * (-shrink / _ZERO)
            rounded = (w / tried.where(tried != 0, 1)).round_().clamp_(-_ZERO, _ZERO - 1)
            error = (rounded * tried - w).square_().sum(dim=1, keepdim=True)
            better = error < best
            best = torch.where(better, error, best)
            best_numbers = torch.where(better, rounded, best_numbers)
        # Of all scales the one with the least squared error for these numbers.
        fitted = (w * best_numbers).sum(dim=1) / best_numbers.square().sum(dim=1).clamp_(min=1)
        scale.copy_(fitted.view(-1, groups))
        positive = best_numbers.add_(_ZERO).to(torch.uint8).view(len(part), -1)
        positive[:, columns:] = 0
        positive = positive.view(-1, groups, 2, GROUP // 2)
        packed.copy_((positive[:, :, 0] | positive[:, :, 1] << 4).view(len(part), -1))


def dequantize_groups(numbers: Tensor, scales: Tensor, columns: int) -> Tensor:
    """The float32 weights, (rows, columns), for which what `quantize_groups` made stands."""
    rows, groups = scales.shape
    bytes_of_group = numbers.view(rows, groups, GROUP // 2)
    values = torch.empty(rows, groups, 2, GROUP // 2)
    values[:, :, 0] = bytes_of_group & 15
    values[:, :, 1] = bytes_of_group >> 4
    values.sub_(_ZERO).mul_(scales[:, :, None, None])
    return values.view(rows, -1)[:, :columns]
