"""What a run would take, and what would not work: at once from the configuration alone, or measured by the trainer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trainer.plan import MemoryNeed


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What can be told at once.

    Attributes:
        parameters: of the model.
        tokens_per_step: over all processes.
        tokens: in the whole run.
        epochs: over the training data; None while there is none.
        memory: that a process needs; None while that cannot be told.
        checkpoint_bytes: of one checkpoint.
        checkpoints_at_once: that may be on the disk.
        problems: a sentence for every setting that cannot work, by ``section.key``.
    """

    parameters: int = 0
    tokens_per_step: int = 0
    tokens: int = 0
    epochs: float | None = None
    memory: MemoryNeed | None = None
    checkpoint_bytes: int = 0
    checkpoints_at_once: int = 0
    problems: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class DryRun:
    """What the trainer says of a configuration on this computer.

    Attributes:
        seconds: the whole run is expected to take.
        device, precision: chosen.
        compiled: whether the step would be.
        memory: bytes that a process needs.
        memory_available: bytes that it has; 0 where nobody knows.
        disk_free: bytes free where the run will be kept; 0 when no folder is given.
    """

    seconds: float
    device: str
    precision: str
    compiled: bool
    memory: int
    memory_available: int
    disk_free: int


def summarise(values: Mapping[str, Any], *, processes: int = 1) -> Summary:
    """Works out what the settings make, in milliseconds; never raises for what a person can enter."""
    raise NotImplementedError


def dry_run(values: Mapping[str, Any]) -> DryRun:
    """Has the trainer measure what a run takes here: some seconds, so not in the window's own thread.

    Raises:
        UserError: when the configuration cannot work here.
    """
    raise NotImplementedError
