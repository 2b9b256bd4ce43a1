"""Whole tensors and their shards: what FSDP spreads over processes, gathered for a file and spread again."""

from __future__ import annotations

from torch import Tensor
from torch.distributed.tensor import DTensor, distribute_tensor


def whole(tensor: Tensor) -> Tensor:
    """The tensor with all its shards gathered; every process of the run must call it."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def as_stored_like(tensor: Tensor, model: Tensor) -> Tensor:
    """A whole tensor moved to where ``model`` is and cut into the shards it is kept in."""
    moved = tensor.to(model.device)
    if isinstance(model, DTensor):
        return distribute_tensor(moved, model.device_mesh, model.placements)
    return moved
