"""Everything that a run's events say, read as they are written."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

from gptdesk.training.alerts import Alert
from gptdesk.training.series import Series


@dataclass(frozen=True)
class Mark:
    """Something that happened at one place of the axis.

    Attributes:
        kind: "checkpoint", "resume", "pause", "nonfinite", "alert", "early_stop" or "crash".
        step: of the optimizer.
        tokens: learnt until then.
        time: seconds since the first event of the run.
        t: seconds since the epoch.
        text: one sentence, or a few words.
    """

    kind: str
    step: int
    tokens: float
    time: float
    t: float
    text: str


class RunHistory:
    """What ``events.jsonl`` of a run says, read incrementally. One thread may update while others read.

    Attributes:
        version: changes with every change.
        final_validation: the validation loss over the whole split, of a run that ended.
        marks: in the order of the events.
        alerts: in the order of the events.
        facts: the newest "start" event.
        last: the newest "step" event, with the parts of its time beside the rest.
        answers: the newest "control" events by the id of their request.
        recent: the newest events other than steps.
        newer: whether lines of a newer format were met and passed over.
    """

    version: int
    final_validation: float | None
    marks: tuple[Mark, ...]
    alerts: tuple[Alert, ...]
    facts: dict[str, Any]
    last: dict[str, Any]
    answers: dict[str, dict[str, Any]]
    recent: deque[dict[str, Any]]
    newer: bool

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def update(self, *, budget: float = inf) -> bool:
        """Reads what is new, for at most ``budget`` seconds, and tells whether anything changed."""
        raise NotImplementedError

    def check_disk(self, free: int, checkpoint_bytes: int) -> None:
        """Raises an alert when less than two checkpoints fit on the disk; sizes in bytes."""
        raise NotImplementedError

    @property
    def complete(self) -> bool:
        """Whether nothing is left unread."""
        raise NotImplementedError

    def series(self, metric: str) -> Series:
        """The points of a metric that count: after a resume from step N, earlier points beyond N do not."""
        raise NotImplementedError

    def superseded(self, metric: str) -> Series:
        """The points of a metric that a resume left behind."""
        raise NotImplementedError

    @property
    def validation(self) -> Series:
        """The validation losses that count."""
        raise NotImplementedError
