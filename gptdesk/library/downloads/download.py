"""The state of one model download, and the actions on it."""

from __future__ import annotations

import os
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal, Protocol

from gptdesk.library.downloads.attempt import READY, Attempt
from gptdesk.library.downloads.plan import Plan
from gptdesk.library.record import RECORD_FILE
from gptdesk.locks import FileLock

State = Literal["queued", "resolving", "downloading", "paused", "verifying", "ready", "failed", "cancelled"]

ACTIVE: Final = ("queued", "resolving", "downloading", "verifying")
"""States in which something happens, or will without the person's doing."""

_SPEED_OVER: Final = 4.0
"""Seconds over which speed is averaged."""


class Manager(Protocol):
    """What a download needs of the `Downloads` that it belongs to.

    Attributes:
        models: folder in which models are installed.
    """

    models: Path

    def start(self, download: Download) -> None:
        """Starts it, or resumes it, when the limit allows."""

    def pause(self, download: Download) -> None:
        """Pauses it and keeps its files."""

    def cancel(self, download: Download) -> None:
        """Cancels it and deletes its files."""


class Download:
    """One download. What it shows may be read from any thread.

    Attributes:
        name: of the model it will be.
        repo: ``owner/name``.
        state: one of `State`; "cancelled" once nothing is left of it.
        done, total: bytes; while what is here is read again (state "verifying"), bytes read.
        bytes_per_s: speed over the last seconds; 0 when nothing comes.
        seconds_left: ``None`` when unknown.
        waiting: why and how long the next try is being waited for; empty otherwise.
        error: why it failed and what to do, a sentence.
    """

    def __init__(self, owner: Manager, name: str, plan: Plan, folder: Path, state: State) -> None:
        self.name = name
        self.repo = plan.repo
        self.state: State = state
        self.total = plan.found.bytes if plan.found else 0
        self.done = bytes_here(folder) if state != "queued" else 0
        self.waiting = ""
        self.error = plan.error
        self._owner = owner
        self._plan = plan
        self._folder = folder
        self._attempt: Attempt | None = None
        self._lock: FileLock | None = None
        self._samples: deque[tuple[float, int]] = deque()
        self._told = 0.0

    @property
    def revision(self) -> str:
        """Commit; empty before the hub was asked."""
        return self._plan.found.revision if self._plan.found else ""

    @property
    def licence(self) -> str:
        """As the card says; empty when it does not, or before the hub was asked."""
        return self._plan.found.licence if self._plan.found else ""

    @property
    def active(self) -> bool:
        """Whether it works, or waits for its turn."""
        return self.state in ACTIVE

    @property
    def path(self) -> Path:
        """Where the model lies once it is ready."""
        return self._owner.models / self.name

    @property
    def bytes_per_s(self) -> float:
        samples = list(self._samples)
        if self.state != "downloading" or len(samples) < 2:
            return 0.0
        (begin, before), (_, after) = samples[0], samples[-1]
        return max(0.0, after - before) / max(1e-3, time.monotonic() - begin)

    @property
    def seconds_left(self) -> float | None:
        speed = self.bytes_per_s
        return (self.total - self.done) / speed if speed and self.total else None

    def start(self) -> None:
        """Starts or resumes, as soon as it is its turn.

        Raises:
            UserError: when it has ended, or its record is lost.
        """
        self._owner.start(self)

    def pause(self) -> None:
        """Stops at once and keeps what is here; nothing when it does not run."""
        self._owner.pause(self)

    def cancel(self) -> None:
        """Stops at once and throws away what is here.

        Raises:
            UserError: when it is another program that downloads it.
        """
        self._owner.cancel(self)

    def retry(self) -> None:
        """Another try after a failure, with what is here.

        Raises:
            UserError: as `start`.
        """
        self.start()

    def _sample(self, at: float) -> None:
        """Remembers how far it is now, for the speed."""
        samples = self._samples
        if not samples or at - samples[-1][0] >= 0.1:
            samples.append((at, self.done))
            while at - samples[0][0] > _SPEED_OVER:
                samples.popleft()


def bytes_here(folder: Path) -> int:
    """Bytes of a download that are on the disk."""
    total = 0
    for place, ending in ((folder, ".part"), (folder / READY, "")):
        with suppress(OSError):
            for entry in os.scandir(place):
                if entry.is_file() and entry.name.endswith(ending) and entry.name != RECORD_FILE:
                    total += entry.stat().st_size
    return total
