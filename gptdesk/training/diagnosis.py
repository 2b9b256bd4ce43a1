"""Why a run crashed, as far as its directory tells, and from where it can go on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from trainer.runstate import RunState


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """What is known of a run that ended badly.

    Attributes:
        cause: ``memory``, ``disk``, ``not finite``, ``killed``, ``settings``, ``error`` or ``lost``.
        sentence: what happened.
        advice: what to do.
        output: the last lines of its console.
        traceback: of the error; empty where there is none.
        checkpoint: the newest good one; None when there is none.
        step: of that checkpoint.
    """

    cause: str
    sentence: str
    advice: str
    output: tuple[str, ...]
    traceback: str
    checkpoint: Path | None
    step: int | None


def diagnose(folder: Path, state: RunState) -> Diagnosis:
    """Explains a run that crashed or was lost."""
    raise NotImplementedError
