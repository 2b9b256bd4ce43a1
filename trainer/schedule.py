"""The learning rate schedule, as a fraction of the peak."""

from __future__ import annotations

import math

from trainer.config.schema import ScheduleSection


def learning_rate_share(step: int, schedule: ScheduleSection) -> float:
    """Share of the peak learning rate in step ``step``, counted from 0.

    Warm-up reaches the peak in its last step: (step + 1) / warmup_steps. The last step of the run has ``min_lr_ratio``.
    cosine: Loshchilov & Hutter 2017, "SGDR", equation 5; wsd (warm-up, stable, decay): Hu et al. 2024, "MiniCPM",
    section 4.
    """
    if step < schedule.warmup_steps:
        return (step + 1) / schedule.warmup_steps
    if schedule.kind == "constant":
        return 1.0
    first, last = schedule.warmup_steps, schedule.steps - 1
    if schedule.kind == "wsd":
        first = max(first, schedule.steps - round(schedule.decay_ratio * schedule.steps))
    if step < first:
        return 1.0
    progress = min(1.0, (step - first) / max(1, last - first))
    remaining = 0.5 * (1 + math.cos(math.pi * progress)) if schedule.kind == "cosine" else 1 - progress
    return schedule.min_lr_ratio + (1 - schedule.min_lr_ratio) * remaining
