"""`DownloadStatus`: an immutable snapshot of one model download."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

import msgspec

State = Literal["queued", "resolving", "downloading", "paused", "verifying", "ready", "failed", "cancelled"]

ACTIVE: Final = ("queued", "resolving", "downloading", "verifying")
"""States of a download that runs or waits for its turn."""


class DownloadStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A download at one moment.

    Attributes:
        number: identifies the download among those of one `Downloads`.
        serial: of two snapshots, the one with the higher serial is newer.
        name: of the model when it is installed.
        repo: ``owner/name``.
        revision: commit; empty before the hub was asked.
        licence: as the model card names it; empty when it names none, or before the hub was asked.
        path: folder of the model when it is installed.
        state: one of `State`; "cancelled" once its files are deleted.
        done: bytes on the disk; in the state "verifying", bytes verified.
        total: bytes of all files; 0 before the hub was asked.
        bytes_per_s: speed over the last seconds; 0 while nothing arrives.
        waiting: why the next attempt is delayed and for how long, a sentence; empty otherwise.
        error: why it failed and what to do, a sentence; empty otherwise.
    """

    number: int
    serial: int
    name: str
    repo: str
    revision: str
    licence: str
    path: Path
    state: State
    done: int
    total: int
    bytes_per_s: float
    waiting: str
    error: str

    @property
    def active(self) -> bool:
        """Whether it runs or waits for its turn."""
        return self.state in ACTIVE

    @property
    def seconds_left(self) -> float | None:
        """Seconds until all bytes have arrived at this speed; ``None`` when unknown."""
        return (self.total - self.done) / self.bytes_per_s if self.bytes_per_s and self.total else None
