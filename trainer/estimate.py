"""What a run would take here: parameters, work, memory and time, and whether it fits at all."""

from __future__ import annotations

from pathlib import Path

from gptdesk.gpt2.devices import choose_device
from gptdesk.gpt2.errors import UserError
from trainer.config import TrainConfig
from trainer.distributed import world_size_from_environment
from trainer.hardware import available_memory, measured_flops, training_precision
from trainer.plan import FLOPS_FORMULA, MemoryNeed, Plan, flops_per_token, memory_need, plan_run
from trainer.shards import PreparedData

TYPICAL_SHARE = 0.35
"""Of what one large matrix product reaches, a training step reaches about this much (measured: 0.25 to 0.5)."""

_GIB = 2**30


def require_fit(need: MemoryNeed, available: int) -> None:
    """Refuses what cannot fit.

    Raises:
        UserError: when more memory is needed than there is, with what would help.
    """
    if available and need.total > available:
        raise UserError(
            f"This needs about {need.total / _GIB:.1f} GiB of memory and {available / _GIB:.1f} GiB are free: choose a "
            "smaller data.micro_batch, set model.activation_checkpointing, or choose a smaller model."
        )


def describe(config: TrainConfig) -> str:
    """The lines that ``trainer train --dry-run`` prints.

    Raises:
        UserError: when the configuration cannot work here.
    """
    world = world_size_from_environment()
    plan = plan_run(config, world_size=world)
    device = choose_device(config.run.device)
    precision = training_precision(config.run, device)
    need = memory_need(config, plan, bytes_per_activation=precision.itemsize, world_size=world)
    available = available_memory(device)
    require_fit(need, available)
    speed = measured_flops(device, precision) * TYPICAL_SHARE * world
    tokens = plan.tokens_per_step * config.schedule.steps
    seconds = plan.flops_per_step * config.schedule.steps / speed
    per_token = flops_per_token(plan.shape, plan.context_length)
    checkpoint = plan.shape.num_parameters() * 12
    lines = {
        "Parameters": f"{plan.shape.num_parameters():,}",
        "Context": f"{plan.context_length:,} tokens",
        "A step": f"{plan.tokens_per_step:,} tokens, {plan.accumulation} micro-batches of {config.data.micro_batch} "
        "sequences a process",
        "The run": f"{config.schedule.steps:,} steps, {tokens:,} tokens{_epochs(config, plan, tokens)}",
        "Work": f"{per_token * tokens:.2e} FLOP ({FLOPS_FORMULA}: {per_token:,})",
        "Memory": f"{need.total / _GIB:.1f} GiB (weights {need.weights / _GIB:.1f}, gradients "
        f"{need.gradients / _GIB:.1f}, optimizer {need.optimizer / _GIB:.1f}, "
        f"activations {need.activations / _GIB:.1f})" + (f" of {available / _GIB:.1f} GiB free" if available else ""),
        "Disk": f"{checkpoint / _GIB:.2f} GiB a checkpoint, up to {config.run.keep_checkpoints + 2} at once",
        "Here": f"{device} in {str(precision).removeprefix('torch.')}, {world} process(es)",
        "Time": f"about {_duration(seconds)}, at {TYPICAL_SHARE:.0%} of the "
        f"{speed / TYPICAL_SHARE / 1e9:,.0f} GFLOP/s that a matrix product reaches here now",
    }
    width = max(map(len, lines))
    return "\n".join(f"{name:<{width}}  {value}" for name, value in lines.items())


def _epochs(config: TrainConfig, plan: Plan, tokens: int) -> str:
    if not config.data.path:
        return ""
    data = PreparedData.open(Path(config.data.path))
    return f", {tokens / max(1, len(data.train)):.2f} epochs of {len(data.train):,}"


def _duration(seconds: float) -> str:
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:,.0f} {unit}"
    return f"{seconds:,.0f} seconds"
