"""`DownloadTask`: what the manager keeps of one download, and the speed at which it progresses."""

from __future__ import annotations

import os
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from gptdesk.library.downloads.attempt import READY, Attempt
from gptdesk.library.downloads.plan import Plan
from gptdesk.library.downloads.status import ACTIVE, DownloadStatus, State
from gptdesk.library.record import RECORD_FILE
from gptdesk.locks import FileLock

_SPEED_WINDOW: Final = 4.0
"""Seconds over which the speed is averaged."""

_SAMPLE_INTERVAL: Final = 0.1
"""Seconds between two samples for the speed."""


class SpeedMeter:
    """Average speed over the last `_SPEED_WINDOW` seconds."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()

    def clear(self) -> None:
        """Forgets all samples."""
        self._samples.clear()

    def add(self, at: float, done: int) -> None:
        """Adds a sample.

        Args:
            at: seconds by the monotonic clock.
            done: bytes so far.
        """
        samples = self._samples
        if not samples or at - samples[-1][0] >= _SAMPLE_INTERVAL:
            samples.append((at, done))
            while at - samples[0][0] > _SPEED_WINDOW:
                samples.popleft()

    @property
    def bytes_per_s(self) -> float:
        """Bytes per second until now; 0 before the second sample."""
        if len(self._samples) < 2:
            return 0.0
        (begin, before), (_, after) = self._samples[0], self._samples[-1]
        return max(0.0, after - before) / max(1e-3, time.monotonic() - begin)


class DownloadTask(msgspec.Struct, eq=False):
    """A download as its manager keeps it; changed only while the manager's lock is held.

    Attributes:
        number, name, state, total, done, waiting, error: as in `DownloadStatus`.
        plan: what to download; shared with the attempt, which adds what the hub answers.
        folder: for its part files.
        attempt: the attempt that runs, if any.
        lock: held while an attempt runs, so that no other program downloads into ``folder``.
        speed: measured from the progress of the attempt.
        reported: when progress was last reported, in seconds by the monotonic clock.
    """

    number: int
    name: str
    plan: Plan
    folder: Path
    state: State
    total: int = 0
    done: int = 0
    waiting: str = ""
    error: str = ""
    attempt: Attempt | None = None
    lock: FileLock | None = None
    speed: SpeedMeter = msgspec.field(default_factory=SpeedMeter)
    reported: float = 0.0

    def __post_init__(self) -> None:
        self.total = self.plan.found.bytes if self.plan.found else 0
        self.done = bytes_on_disk(self.folder) if self.state != "queued" else 0
        self.error = self.plan.error

    @property
    def active(self) -> bool:
        """Whether it runs or waits for its turn."""
        return self.state in ACTIVE

    @property
    def revision(self) -> str:
        """Commit; empty before the hub was asked."""
        return self.plan.found.revision if self.plan.found else ""

    def status(self, serial: int, models: Path) -> DownloadStatus:
        """Takes a snapshot.

        Args:
            serial: as in `DownloadStatus`.
            models: folder in which models are installed.
        """
        return DownloadStatus(
            number=self.number,
            serial=serial,
            name=self.name,
            repo=self.plan.repo,
            revision=self.revision,
            licence=self.plan.found.licence if self.plan.found else "",
            path=models / self.name,
            state=self.state,
            done=self.done,
            total=self.total,
            bytes_per_s=self.speed.bytes_per_s if self.state == "downloading" else 0.0,
            waiting=self.waiting,
            error=self.error,
        )

    def end_attempt(self) -> None:
        """Forgets the attempt and releases the lock."""
        self.attempt = None
        self.waiting = ""
        if self.lock is not None:
            self.lock.release()
            self.lock = None


def bytes_on_disk(folder: Path) -> int:
    """Bytes of a download that have arrived, complete files and part files together."""
    total = 0
    for place, ending in ((folder, ".part"), (folder / READY, "")):
        with suppress(OSError):
            for entry in os.scandir(place):
                if entry.is_file() and entry.name.endswith(ending) and entry.name != RECORD_FILE:
                    total += entry.stat().st_size
    return total
