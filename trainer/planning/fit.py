"""Checks that a run fits into memory and on the disk, and suggests what would. Imports no torch."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

from gptdesk.errors import UserError
from gptdesk.number_format import size
from trainer.config.schema import TrainConfig
from trainer.planning.plan import (
    FLOAT_BYTES,
    MemoryNeed,
    Plan,
    memory_need,
    optimizer_bytes,
    plan_run,
    trained_weights,
)

_TRIED = 1 << 15
"""Largest divisor tried from either end: a form asks at every key press, whatever number it holds."""


def require_fit(
    config: TrainConfig,
    available: int | None,
    *,
    bytes_per_activation: int,
    world_size: int = 1,
    vocab_size: int | None = None,
) -> MemoryNeed:
    """Returns the memory that one process needs, if it is available.

    Args:
        available: bytes for this process; ``None`` when unknown, and then nothing is refused.
        vocab_size: as for `plan_run`.

    Raises:
        UserError: when more is needed than there is, with what would fit.
    """

    def need_of(tried: TrainConfig) -> MemoryNeed:
        plan = plan_run(tried, world_size=world_size, vocab_size=vocab_size)
        return memory_need(tried, plan, bytes_per_activation=bytes_per_activation, world_size=world_size)

    need = need_of(config)
    if available is None or need.total <= available:
        return need
    tries = (_with(config, smaller, checkpointing) for checkpointing in (False, True) for smaller in _smaller(config))
    fits = next((tried for tried in tries if need_of(tried).total <= available), None)
    if fits is None:
        advice = (
            "no micro-batch is small enough; choose a smaller model or a shorter context length, "
            "or run.parallel fsdp on more devices"
        )
    else:
        advice = f"it would fit with --data.micro_batch_size {fits.data.micro_batch_size}"
        if fits.model.activation_checkpointing and not config.model.activation_checkpointing:
            advice += " --model.activation_checkpointing true"
    raise UserError(f"A process needs about {parts_text(need)} of memory, and has {size(available)}: {advice}.")


def _smaller(config: TrainConfig) -> list[int]:
    """Divisors of the configured micro-batch, the largest first."""
    micro = config.data.micro_batch_size
    divisors = [number for number in range(1, min(math.isqrt(micro), _TRIED) + 1) if micro % number == 0]
    return sorted({*divisors, *(micro // divisor for divisor in divisors)}, reverse=True)


def _with(config: TrainConfig, micro_batch_size: int, checkpointing: bool) -> TrainConfig:
    model = config.model.model_copy(
        update={"activation_checkpointing": checkpointing or config.model.activation_checkpointing}
    )
    data = config.data.model_copy(update={"micro_batch_size": micro_batch_size})
    return config.model_copy(update={"model": model, "data": data})


def require_disk(config: TrainConfig, checkpoint: int) -> int:
    """Returns the free bytes where the run will be kept; 0 when no folder is given.

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
            f"{checkpoints_at_once(config)} checkpoints of {size(checkpoint)} do not fit on the disk of "
            f"{config.run.folder}, which has {size(free)} free: choose another run.folder or a smaller "
            "run.keep_checkpoints."
        )
    return free


def checkpoints_at_once(config: TrainConfig) -> int:
    """Number of checkpoints on the disk at once: the newest, the best, and the one being written."""
    return config.run.keep_checkpoints + 2


def checkpoint_bytes(config: TrainConfig, plan: Plan) -> int:
    """Approximate size of a checkpoint: float32 weights, adapters if there are any, and the optimizer's state."""
    adapters = sum(trained_weights(config, plan)) if config.model.lora_rank else 0
    return FLOAT_BYTES * (plan.shape.num_parameters() + adapters) + optimizer_bytes(config, plan)


def parts_text(need: MemoryNeed) -> str:
    """A memory need in words, with its parts."""
    return (
        f"{size(need.total)} (weights {size(need.weights)}, gradients {size(need.gradients)}, "
        f"optimizer {size(need.optimizer)}, activations {size(need.activations)})"
    )
