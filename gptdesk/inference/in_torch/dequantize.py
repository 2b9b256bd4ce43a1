"""The float32 weights that quantised ones stand for, for the network in torch."""

from __future__ import annotations

import torch
from torch import Tensor

from gptdesk.inference.cpu.group_size import GROUP, ZERO


def dequantize_rows(qweight: Tensor, scales: Tensor) -> Tensor:
    """The float32 weights of int8 ``qweight``, (rows, columns), and ``scales``, (rows)."""
    return qweight.float().mul_(scales[:, None])


def dequantize_groups(qweight: Tensor, scales: Tensor, columns: int) -> Tensor:
    """The float32 weights, (rows, columns), of the output of `quantize_groups`."""
    rows, groups = scales.shape
    bytes_of_group = qweight.view(rows, groups, GROUP // 2)
    values = torch.empty(rows, groups, 2, GROUP // 2)
    values[:, :, 0] = bytes_of_group & 15
    values[:, :, 1] = bytes_of_group >> 4
    values.sub_(ZERO).mul_(scales[:, :, None, None])
    return values.view(rows, -1)[:, :columns]
