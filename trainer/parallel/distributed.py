"""The process group that torchrun describes, its collectives, and DDP and FSDP wrapping of the loss."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from gptdesk.errors import UserError
from gptdesk.gpt2.model import GPT2


def world_size_from_environment() -> int:
    """Processes that torchrun started for this run; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


@dataclass(frozen=True)
class ProcessGroup:
    """This process among those of the run.

    Attributes:
        rank: its number; the one with 0 records.
        count: how many there are, over all machines.
        device: the one it computes on.
    """

    rank: int
    count: int
    device: torch.device

    @property
    def is_main(self) -> bool:
        return self.rank == 0

    def all_reduce(self, values: Tensor) -> Tensor:
        """The sum of every process's tensor; in place."""
        if self.count > 1:
            dist.all_reduce(values)
        return values

    def sum_count(self, count: int) -> int:
        """The sum of every process's count; alone it needs no device."""
        if self.count == 1:
            return count
        return int(self.all_reduce(torch.tensor(float(count), dtype=torch.float64, device=self.device)).item())

    def broadcast(self, value: Any) -> Any:
        """The value of the main process, in every process."""
        if self.count == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0)
        return box[0]

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process."""
        if self.count == 1:
            return flag
        raised = torch.tensor(float(flag), device=self.device)
        dist.all_reduce(raised, op=dist.ReduceOp.MAX)
        return bool(raised.item())

    def barrier(self) -> None:
        if self.count > 1:
            dist.barrier()


@contextmanager
def join_processes(device: torch.device) -> Iterator[ProcessGroup]:
    """Joins the group that torchrun describes in the environment; alone without it.

    Raises:
        UserError: when there are more processes on this machine than CUDA devices.
    """
    if world_size_from_environment() == 1:
        yield ProcessGroup(0, 1, device)
        return
    if device.type == "cuda":
        local = int(os.environ["LOCAL_RANK"])
        if local >= torch.cuda.device_count():
            raise UserError(
                f"Process {local} on this machine has no GPU: there are {torch.cuda.device_count()}; start fewer with "
                "--nproc-per-node."
            )
        device = torch.device("cuda", local)
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield ProcessGroup(dist.get_rank(), dist.get_world_size(), device)
        dist.barrier()  # no process leaves the group while another still sends
    finally:
        gc.collect()  # FSDP's modules lie in cycles that hold the group; it must not outlive its threads
        dist.destroy_process_group()


class TrainingLoss(nn.Module):
    """The model with its loss as the forward pass, which is what data-parallel wrappers want."""

    def __init__(self, model: GPT2) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: Tensor, targets: Tensor) -> Tensor:
        """Summed cross-entropy in nats of ``targets``, (B, T) int64, given ``ids``; targets of -100 do not count."""
        return self.model.loss(ids, targets, reduction="sum")


def parallelize(loss: TrainingLoss, processes: ProcessGroup, *, how: str) -> nn.Module:
    """The loss module ready to train in all processes.

    ``ddp`` copies the model and averages gradients while the backward pass still runs; ``fsdp`` (FSDP2, `fully_shard`)
    gives every process a share of each weight, its gradient and optimizer state, gathered block by block when needed.
    """
    if processes.count == 1:
        return loss
    if how == "fsdp":
        from torch.distributed.fsdp import fully_shard  # takes a second, and needs sympy

        for block in loss.model.h.children():
            fully_shard(block)
        fully_shard(loss)
        return loss
    ids = [processes.device.index] if processes.device.type == "cuda" else None
    return DistributedDataParallel(loss, device_ids=ids)


def set_gradient_sync(loss: nn.Module, wanted: bool) -> None:
    """Whether the next backward pass adds gradients up over the processes: only the last of a step needs to."""
    if isinstance(loss, DistributedDataParallel):
        loss.require_backward_grad_sync = wanted
    elif set_sync := getattr(loss, "set_requires_gradient_sync", None):  # FSDP's; importing its class takes a second
        set_sync(wanted)
