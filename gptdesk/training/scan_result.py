"""Immutable snapshots that a scan of run directories returns, and what has happened since the last one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from gptdesk.training.data.data_scanner import DataEntry, DataView
from gptdesk.training.index import RunEntry

if TYPE_CHECKING:
    from gptdesk.training.checkpoints import CheckpointInfo
    from gptdesk.training.diagnosis import Diagnosis
    from gptdesk.training.history.alerts import Alert
    from gptdesk.training.history.history import RunHistory
    from gptdesk.training.history.samples import Sample


class Selection(msgspec.Struct, frozen=True):
    """What the page shows.

    Attributes:
        current: folder of the selected run, or of the selected data in preparation.
        pinned: folders of runs whose curves are drawn with it.
    """

    current: Path | None = None
    pinned: tuple[Path, ...] = ()


class RunEnded(msgspec.Struct, frozen=True):
    """A run has crashed, finished, or been lost; ``entry.state`` tells."""

    entry: RunEntry


class AlertRaised(msgspec.Struct, frozen=True):
    """The history of a run gave a reason to warn."""

    entry: RunEntry
    alert: Alert


class PreparationEnded(msgspec.Struct, frozen=True):
    """A preparation has finished, failed, or been killed; ``entry.state`` tells."""

    entry: DataEntry


ScanEvent: TypeAlias = RunEnded | AlertRaised | PreparationEnded
"""Something that happened between two scans. Sentences about it are made in the GUI thread, which has the locale."""


class RunView(msgspec.Struct, frozen=True):
    """The selected run.

    Attributes:
        read: whether all of its history has been read.
        console: its last lines.
        checkpoints: those that are whole, newest last.
        diagnosis: why it crashed, if it did.
        free: bytes on its disk.
        updated: time of its newest event or heartbeat, in seconds since the epoch.
    """

    entry: RunEntry
    history: RunHistory
    read: bool
    samples: tuple[Sample, ...] = ()
    console: tuple[str, ...] = ()
    checkpoints: tuple[CheckpointInfo, ...] = ()
    diagnosis: Diagnosis | None = None
    free: int | None = None
    updated: float | None = None


class ScanResult(msgspec.Struct, frozen=True):
    """What one scan has found.

    Attributes:
        runs: all of them; ``None`` when only the selected ones were read.
        data: all preparations.
        curves: a sketch of each run's loss, by folder.
        histories: of the runs that are shown or active, by folder.
        configs: of the runs that are shown, as in force now, by folder.
        changed: folders of histories that have new events.
        view: the selected run, if one is selected.
        data_view: the selected preparation, if one is selected and was read.
        events: what has happened since the last scan.
        unread: whether a history has more to read at once.
    """

    runs: tuple[RunEntry, ...] | None
    data: tuple[DataEntry, ...]
    curves: Mapping[Path, tuple[float, ...]]
    histories: Mapping[Path, RunHistory]
    configs: Mapping[Path, Mapping[str, Any]]
    changed: frozenset[Path]
    view: RunView | None
    data_view: DataView | None
    events: tuple[ScanEvent, ...]
    unread: bool
