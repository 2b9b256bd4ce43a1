"""Estimates a run on this computer: parameters, FLOPs, memory and time, partly measured."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from gptdesk.number_format import duration, size
from trainer.config.schema import TrainConfig
from trainer.data.shards import PreparedData
from trainer.data.windows import Batches
from trainer.hardware import available_memory, measured_flops, training_device, training_precision, use_compile
from trainer.parallel.distributed import world_size_from_environment
from trainer.planning.fit import checkpoint_bytes, checkpoints_at_once, parts_text, require_disk, require_fit
from trainer.planning.plan import (
    FLOPS_FORMULA,
    MemoryNeed,
    Plan,
    flops_per_token,
    plan_run,
    require_tokenizer,
    require_validation,
)

TYPICAL_SHARE = 0.35
"""Of what one large matrix product reaches, a training step reaches about this much (measured: 0.25 to 0.5)."""


@dataclass(frozen=True, kw_only=True)
class RunEstimate:
    """Requirements and expected duration of a run on this computer.

    Attributes:
        init_from: model folder to fine-tune; empty for training from scratch.
        parameters: of the model.
        context_length: tokens in a training sequence.
        tokens_per_step: over all processes.
        accumulation: micro-batches that each process sums into a step.
        micro_batch_size: sequences in one.
        steps, tokens: in the whole run.
        train_tokens: in the data; 0 when none is given.
        flops_per_token: by `FLOPS_FORMULA`.
        memory: that a process needs.
        memory_available: free bytes; 0 where unknown.
        checkpoint_bytes: of one checkpoint.
        checkpoints_at_once: that may be on the disk.
        disk_free: bytes free where the run will be kept; 0 when no folder is given.
        device, precision, compiled, processes: how it would be trained.
        flops_per_s: that a matrix product reaches here now, over all processes.
        fitted: a sentence for each setting that gave way to others or to the data.
    """

    init_from: str
    parameters: int
    context_length: int
    tokens_per_step: int
    accumulation: int
    micro_batch_size: int
    steps: int
    tokens: int
    train_tokens: int
    flops_per_token: int
    memory: MemoryNeed
    memory_available: int
    checkpoint_bytes: int
    checkpoints_at_once: int
    disk_free: int
    device: str
    precision: str
    compiled: bool
    processes: int
    flops_per_s: float
    fitted: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """The run's expected length."""
        return self.flops_per_token * self.tokens / (self.flops_per_s * TYPICAL_SHARE)

    def to_json(self) -> dict[str, Any]:
        """As ``--dry-run --json`` prints it."""
        memory = asdict(self.memory) | {"total": self.memory.total}
        return asdict(self) | {"memory": memory, "seconds": self.seconds}

    def __str__(self) -> str:
        """The lines that ``--dry-run`` prints."""
        epochs = f", {self.tokens / self.train_tokens:.2f} epochs of {self.train_tokens:,}" if self.train_tokens else ""
        lines = {
            "Start": self.init_from or "from scratch",
            "Parameters": f"{self.parameters:,}",
            "Context": f"{self.context_length:,} tokens",
            "A step": f"{self.tokens_per_step:,} tokens; micro-batches of each process: {self.accumulation} × "
            f"{self.micro_batch_size} sequences",
            "The run": f"{self.steps:,} steps, {self.tokens:,} tokens{epochs}",
            "Work": f"{self.flops_per_token * self.tokens:.2e} FLOP ({FLOPS_FORMULA}: {self.flops_per_token:,})",
            "Memory": f"{parts_text(self.memory)} a process"
            + (f", which has {size(self.memory_available)}" if self.memory_available else ""),
            "Disk": f"{size(self.checkpoint_bytes)} a checkpoint, up to {self.checkpoints_at_once} at once"
            + (f", of {size(self.disk_free)} free" if self.disk_free else ""),
            "Here": f"{self.device} in {self.precision}, {'' if self.compiled else 'not '}compiled, "
            f"processes: {self.processes}",
            "Time": f"about {duration(self.seconds)}, at {TYPICAL_SHARE:.0%} of the "
            f"{self.flops_per_s / 1e9:,.0f} GFLOP/s that a matrix product reaches here now",
        }
        width = max(map(len, lines))
        rows = [f"{name:<{width}}  {value}" for name, value in lines.items()]
        return "\n".join([*self.fitted, *rows])


def processes_sharing(device: torch.device, world_size: int) -> int:
    """Processes that divide this machine's memory and speed among them: on a CPU all of the machine, else one a GPU."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", world_size)) if device.type == "cpu" else 1


def estimate_run(config: TrainConfig, *, fitted: Sequence[str] = ()) -> RunEstimate:
    """Estimates a run on this computer; measures its speed for about half a second.

    Args:
        config: settings.
        fitted: a sentence for each setting that gave way (`trainer.planning.defaults`).

    Raises:
        UserError: when the configuration cannot work here.
    """
    world = world_size_from_environment()
    plan = plan_run(config, world_size=world)
    device = training_device(config.run)
    precision = training_precision(config.run, device)
    compiled = use_compile(config.run, device)
    train_tokens = _train_tokens(config, plan)
    sharing = processes_sharing(device, world)
    free = available_memory(device)
    available = None if free is None else free // sharing
    return RunEstimate(
        init_from=config.model.init_from,
        parameters=plan.shape.num_parameters(),
        context_length=plan.context_length,
        tokens_per_step=plan.tokens_per_step,
        accumulation=plan.accumulation,
        micro_batch_size=config.data.micro_batch_size,
        steps=config.schedule.steps,
        tokens=plan.tokens_per_step * config.schedule.steps,
        train_tokens=train_tokens,
        flops_per_token=flops_per_token(plan.shape, plan.context_length),
        memory=require_fit(config, available, bytes_per_activation=precision.itemsize, world_size=world),
        memory_available=available or 0,
        checkpoint_bytes=checkpoint_bytes(config, plan),
        checkpoints_at_once=checkpoints_at_once(config),
        disk_free=require_disk(config, checkpoint_bytes(config, plan)),
        device=str(device),
        precision=str(precision).removeprefix("torch."),
        compiled=compiled,
        processes=world,
        flops_per_s=measured_flops(device, precision) * world / sharing,
        fitted=tuple(fitted),
    )


def _train_tokens(config: TrainConfig, plan: Plan) -> int:
    if not config.data.path:
        return 0
    data = PreparedData.open(Path(config.data.path))
    if config.model.init_from:
        require_tokenizer(Path(config.model.init_from), data.folder)
    require_validation(config, len(data.val))
    if not data.holds_records:
        Batches(data.train, context_length=plan.context_length, seed=config.run.seed)  # refuses too little text
    return len(data.train)
