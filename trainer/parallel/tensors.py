"""Gathers tensors that FSDP shards, and shards whole ones."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TypeGuard

from torch import Tensor

if TYPE_CHECKING:
    from torch.distributed.tensor import DTensor


def whole(tensor: Tensor) -> Tensor:
    """The tensor with all its shards gathered; every process of the run must call it."""
    return tensor.full_tensor() if _is_sharded(tensor) else tensor


def as_stored_like(tensor: Tensor, model: Tensor) -> Tensor:
    """A whole tensor moved to where ``model`` is and cut into the shards it is kept in."""
    moved = tensor.to(model.device)
    if _is_sharded(model):
        from torch.distributed.tensor import distribute_tensor

        return distribute_tensor(moved, model.device_mesh, model.placements)
    return moved


def _is_sharded(tensor: Tensor) -> TypeGuard[DTensor]:
    """Whether FSDP made it. The module of its class takes a second to import, and a run without FSDP never does."""
    module = sys.modules.get("torch.distributed.tensor")
    return module is not None and isinstance(tensor, module.DTensor)
