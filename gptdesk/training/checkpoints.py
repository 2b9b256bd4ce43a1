"""The checkpoints of a run, told by their names and manifests alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class CheckpointInfo:
    """A whole checkpoint.

    Attributes:
        path: its folder, a model folder like any other.
        step: at which it was written.
        bytes: on disk.
        t: when, seconds since the epoch.
        best: whether it has the run's lowest validation loss.
    """

    path: Path
    step: int
    bytes: int
    t: float
    best: bool


def checkpoints(folder: Path) -> list[CheckpointInfo]:
    """The whole checkpoints of a run, newest last."""
    raise NotImplementedError
