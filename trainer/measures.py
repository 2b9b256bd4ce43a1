"""How each value of a logged step is measured, by its key in `gptdesk.metrics`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from gptdesk.metrics import METRICS, metric
from trainer.hardware import peak_memory
from trainer.loop import Trainer
from trainer.planning.plan import flops_per_token


@dataclass(frozen=True, kw_only=True)
class LoggedStep:
    """What the measures of a logged step are computed from.

    Attributes:
        trainer: after the step.
        loss: nats per token.
        grad_norm: of the whole gradient, before clipping.
        learning_rate: of the step.
        seconds: median of the last steps.
        parts: seconds of each part of a step, medians of the last steps.
        load: what `trainer.hardware.Load.look` found.
        peak_flops: that a device reaches at best; 0 where that is not known.
    """

    trainer: Trainer
    loss: float
    grad_norm: float
    learning_rate: float
    seconds: float
    parts: Mapping[str, float]
    load: Mapping[str, float]
    peak_flops: float

    @property
    def tokens_per_second(self) -> float:
        return self.trainer.plan.tokens_per_step / self.seconds


def _part(key: str, step: LoggedStep) -> float | None:
    return round(1000 * step.parts[key], 2)


def _load(key: str, step: LoggedStep) -> float | None:
    return step.load.get(key)


def _mfu(step: LoggedStep) -> float | None:
    trainer = step.trainer
    if not step.peak_flops:
        return None
    work = flops_per_token(trainer.plan.shape, trainer.plan.context_length)
    return round(work * step.tokens_per_second / (step.peak_flops * trainer.processes.count), 4)


def _bits_per_byte(step: LoggedStep) -> float | None:
    size = step.trainer.bytes_per_token
    return round(step.loss / size / math.log(2), 5) if size else None


MEASURES: Final[dict[str, Callable[[LoggedStep], float | None]]] = {
    "loss": lambda step: step.loss,
    "bits_per_byte": _bits_per_byte,
    "grad_norm": lambda step: step.grad_norm,
    "lr": lambda step: step.learning_rate,
    "tokens_per_s": lambda step: round(step.tokens_per_second, 1),
    **{key: partial(_part, key) for key in metric("split").keys},
    "memory": lambda step: peak_memory(step.trainer.device),
    **{key: partial(_load, key) for key in ("cpu", "gpu", "ram")},
    "mfu": _mfu,
}
"""A function for each value of `METRICS`; None leaves the value out of the event."""


def measure(step: LoggedStep) -> dict[str, Any]:
    """The values of all metrics as a step event holds them."""
    values: dict[str, Any] = {}
    for each in METRICS:
        into = values.setdefault(each.container, {}) if each.container else values
        for key in each.keys:
            found = MEASURES[key](step)
            if found is not None:
                into[key] = found
    return values
