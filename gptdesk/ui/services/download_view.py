"""An immutable snapshot of a download, for the GUI thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gptdesk.library.downloads.download import Download


@dataclass(frozen=True, kw_only=True)
class DownloadView:
    """The attributes of `Download` at one moment, and a number that identifies it."""

    number: int
    name: str
    repo: str
    revision: str
    licence: str
    state: str
    active: bool
    done: int
    total: int
    bytes_per_s: float
    seconds_left: float | None
    waiting: str
    error: str


def view_of(number: int, download: Download) -> DownloadView:
    """Takes a snapshot of a download."""
    return DownloadView(
        number=number,
        name=download.name,
        repo=download.repo,
        revision=download.revision,
        licence=download.licence,
        state=download.state,
        active=download.active,
        done=download.done,
        total=download.total,
        bytes_per_s=download.bytes_per_s,
        seconds_left=download.seconds_left,
        waiting=download.waiting,
        error=download.error,
    )
