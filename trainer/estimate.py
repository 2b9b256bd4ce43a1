"""What a run would take here: parameters, work, memory and time, and whether it fits at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import torch

from gptdesk.gpt2.errors import UserError
from trainer.config import TrainConfig
from trainer.data import Batches
from trainer.distributed import world_size_from_environment
from trainer.hardware import available_memory, measured_flops, training_device, training_precision, use_compile
from trainer.plan import FLOPS_FORMULA, MemoryNeed, Plan, flops_per_token, memory_need, plan_run
from trainer.shards import PreparedData

TYPICAL_SHARE = 0.35
"""Of what one large matrix product reaches, a training step reaches about this much (measured: 0.25 to 0.5)."""

_GIB = 2**30


def require_fit(config: TrainConfig, available: int, *, bytes_per_activation: int, world_size: int = 1) -> MemoryNeed:
    """The memory that one process needs, if it has as much.

    Args:
        available: bytes for this process; 0 when nobody knows, and then nothing is refused.

    Raises:
        UserError: when more is needed than there is, with what would fit.
    """

    def need_of(tried: TrainConfig) -> MemoryNeed:
        plan = plan_run(tried, world_size=world_size)
        return memory_need(tried, plan, bytes_per_activation=bytes_per_activation, world_size=world_size)

    need = need_of(config)
    if not available or need.total <= available:
        return need
    tries = (_with(config, size, checkpointing) for checkpointing in (False, True) for size in _smaller(config))
    fits = next((tried for tried in tries if need_of(tried).total <= available), None)
    if fits is None:
        advice = "no micro-batch is small enough; choose a smaller model, or run.parallel fsdp on more devices"
    else:
        advice = f"it would fit with --data.micro_batch {fits.data.micro_batch}"
        if fits.model.activation_checkpointing and not config.model.activation_checkpointing:
            advice += " --model.activation_checkpointing true"
    raise UserError(f"A process needs about {_parts(need)} of memory, and has {available / _GIB:.1f} GiB: {advice}.")


def _smaller(config: TrainConfig) -> list[int]:
    """The micro-batches that divide the one asked for, the largest first."""
    size = config.data.micro_batch
    return [smaller for smaller in range(size, 0, -1) if size % smaller == 0]


def _with(config: TrainConfig, micro_batch: int, checkpointing: bool) -> TrainConfig:
    model = config.model.model_copy(
        update={"activation_checkpointing": checkpointing or config.model.activation_checkpointing}
    )
    data = config.data.model_copy(update={"micro_batch": micro_batch})
    return config.model_copy(update={"model": model, "data": data})


def require_disk(config: TrainConfig, checkpoint: int) -> int:
    """Bytes free where the run will be kept; 0 when no folder is given.

    Raises:
        UserError: when they do not hold the checkpoints that may be there at once, of ``checkpoint`` bytes each.
    """
    if not config.run.folder:
        return 0
    place = Path(config.run.folder).absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < checkpoint * checkpoints_at_once(config):
        raise UserError(
            f"{checkpoints_at_once(config)} checkpoints of {checkpoint / _GIB:.2f} GiB do not fit on the disk of "
            f"{config.run.folder}, which has {free / _GIB:.1f} GiB free: choose another run.folder or a smaller "
            "run.keep_checkpoints."
        )
    return free


def checkpoints_at_once(config: TrainConfig) -> int:
    """The newest ones, the best, and the one that is being written."""
    return config.run.keep_checkpoints + 2


def processes_sharing(device: torch.device, world_size: int) -> int:
    """Processes that divide this machine's memory and speed among them: on a CPU all of the machine, else one a GPU."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", world_size)) if device.type == "cpu" else 1


def describe(config: TrainConfig) -> str:
    """The lines that ``trainer train --dry-run`` prints.

    Raises:
        UserError: when the configuration cannot work here.
    """
    world = world_size_from_environment()
    plan = plan_run(config, world_size=world)
    device = training_device(config.run)
    precision = training_precision(config.run, device)
    compiled = use_compile(config.run, device)
    tokens = plan.tokens_per_step * config.schedule.steps
    epochs = _epochs(config, plan, tokens)
    sharing = processes_sharing(device, world)
    available = available_memory(device) // sharing
    need = require_fit(config, available, bytes_per_activation=precision.itemsize, world_size=world)
    checkpoint = plan.shape.num_parameters() * 12
    free = require_disk(config, checkpoint)
    together = measured_flops(device, precision) * world / sharing
    seconds = plan.flops_per_step * config.schedule.steps / (together * TYPICAL_SHARE)
    per_token = flops_per_token(plan.shape, plan.context_length)
    lines = {
        "Start": config.model.start or "fresh weights",
        "Parameters": f"{plan.shape.num_parameters():,}",
        "Context": f"{plan.context_length:,} tokens",
        "A step": f"{plan.tokens_per_step:,} tokens, {plan.accumulation} micro-batches of {config.data.micro_batch} "
        "sequences a process",
        "The run": f"{config.schedule.steps:,} steps, {tokens:,} tokens{epochs}",
        "Work": f"{per_token * tokens:.2e} FLOP ({FLOPS_FORMULA}: {per_token:,})",
        "Memory": f"{_parts(need)} a process" + (f", which has {available / _GIB:.1f} GiB" if available else ""),
        "Disk": f"{checkpoint / _GIB:.2f} GiB a checkpoint, up to {checkpoints_at_once(config)} at once"
        + (f", of {free / _GIB:.1f} GiB free" if free else ""),
        "Here": f"{device} in {str(precision).removeprefix('torch.')}, {'' if compiled else 'not '}compiled, "
        f"{world} process(es)",
        "Time": f"about {_duration(seconds)}, at {TYPICAL_SHARE:.0%} of the "
        f"{together / 1e9:,.0f} GFLOP/s that a matrix product reaches here now",
    }
    width = max(map(len, lines))
    return "\n".join(f"{name:<{width}}  {value}" for name, value in lines.items())


def _parts(need: MemoryNeed) -> str:
    return (
        f"{need.total / _GIB:.1f} GiB (weights {need.weights / _GIB:.1f}, gradients {need.gradients / _GIB:.1f}, "
        f"optimizer {need.optimizer / _GIB:.1f}, activations {need.activations / _GIB:.1f})"
    )


def _epochs(config: TrainConfig, plan: Plan, tokens: int) -> str:
    if not config.data.path:
        return ""
    data = PreparedData.open(Path(config.data.path))
    Batches(data.train, context_length=plan.context_length, seed=config.run.seed)  # refuses too little text
    return f", {tokens / max(1, len(data.train)):.2f} epochs of {len(data.train):,}"


def _duration(seconds: float) -> str:
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:,.0f} {unit}"
    return f"{seconds:,.0f} seconds"
