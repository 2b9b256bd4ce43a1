"""The largest numbers of long rows."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

_BLOCK: Final = 64
"""Numbers of which the largest is taken first."""


def largest(x: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k largest numbers of each row and their indices, the largest first, as `torch.topk` gives them.

    They lie in those k blocks whose largest numbers are the largest. Finding these reads a row once, with vectors;
    `torch.topk` copies it with its indices, which takes three times as long for a vocabulary. Of equal numbers either
    may be named.

    Args:
        x: (..., V).
        k: at most V.

    Returns:
        (..., k) of the type of ``x``, and (..., k) int64.
    """
    blocks = x.shape[-1] // _BLOCK
    if blocks < 2 * k:  # nothing would be saved
        best = x.topk(k, dim=-1)
        return best.values, best.indices
    whole = x[..., : blocks * _BLOCK].unflatten(-1, (blocks, _BLOCK))
    chosen = whole.amax(-1).topk(k, dim=-1).indices[..., None]  # (..., k, 1)
    values = whole.gather(-2, chosen.expand(*chosen.shape[:-1], _BLOCK)).flatten(-2)
    indices = (chosen * _BLOCK + torch.arange(_BLOCK, device=x.device)).flatten(-2)
    rest = torch.arange(blocks * _BLOCK, x.shape[-1], device=x.device)
    values = torch.cat([values, x[..., blocks * _BLOCK :]], dim=-1)
    indices = torch.cat([indices, rest.expand(*indices.shape[:-1], -1)], dim=-1)
    best = values.topk(k, dim=-1)
    return best.values, indices.gather(-1, best.indices)
