"""Scans run directories in a worker thread and returns immutable snapshots."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from gptdesk.bounded_read import ContentError, number
from gptdesk.files import read_json
from gptdesk.training.data.data_scanner import DataScanner, DataView
from gptdesk.training.history.loss_sketch import loss_sketch
from gptdesk.training.index import RunEntry, RunIndex
from gptdesk.training.scan_result import (
    AlertRaised,
    PreparationEnded,
    RunEnded,
    RunView,
    ScanEvent,
    ScanResult,
    Selection,
)
from trainer.config.former_names import with_present_names
from trainer.run_directory.layout import CHECKPOINTS, CONFIG, EVENTS, RUN

if TYPE_CHECKING:
    from gptdesk.training.checkpoints import CheckpointInfo
    from gptdesk.training.diagnosis import Diagnosis
    from gptdesk.training.history.history import RunHistory
    from gptdesk.training.history.samples import ConsoleTail, Sample, SampleLog

SCAN_SECONDS: Final = 1.0
"""Between two scans of all runs; the selected run is read at every scan."""

READ_SECONDS: Final = 0.15
"""Time given to each history per scan, so that a long one does not delay the others."""


class _Details(msgspec.Struct):
    """What is read of the selected run alone."""

    samples: SampleLog
    console: ConsoleTail
    seen_samples: tuple[Sample, ...] = ()
    seen_console: tuple[str, ...] = ()
    checkpoints: tuple[CheckpointInfo, ...] = ()
    checkpoints_of: float = -1.0  # mtime of the folder when they were listed
    diagnosis: Diagnosis | None = None
    diagnosed: tuple[object, ...] = ()
    free: int | None = None


@dataclass
class RunScanner:
    """Keeps what the last scan found. Not thread-safe: one thread scans.

    Args:
        index: of all runs.
        data: of all preparations.
    """

    index: RunIndex
    data: DataScanner
    _began: float = field(default_factory=time.time)
    _scanned: float = -SCAN_SECONDS  # by the monotonic clock
    _entries: tuple[RunEntry, ...] = ()
    _states: dict[Path, str] = field(default_factory=dict)
    _curves: dict[Path, tuple[float, ...]] = field(default_factory=dict)
    _sketched: dict[Path, tuple[int, int]] = field(default_factory=dict)
    _histories: dict[Path, RunHistory] = field(default_factory=dict)
    _alerted: dict[Path, int] = field(default_factory=dict)
    _configs: dict[Path, Mapping[str, Any]] = field(default_factory=dict)
    _details: dict[Path, _Details] = field(default_factory=dict)
    _shown_data: Path | None = None
    _bytes_per_token: dict[Path, float | None] = field(default_factory=dict)  # by folder of the data

    def scan(self, selection: Selection) -> ScanResult:
        """Reads what is new of the runs that are shown or active, and once a second of all others."""
        now = time.monotonic()
        scan = now - self._scanned >= SCAN_SECONDS
        events: list[ScanEvent] = []
        if scan:
            self._scanned = now
            self._entries = tuple(self.index.scan())
            events += self._ended_runs()
            self._sketch()
            events += map(PreparationEnded, self.data.scan())
        changed = self._read_histories(selection, scan)
        events += self._alerts()
        view = self._view(selection.current, scan) if selection.current else None
        return ScanResult(
            runs=self._entries if scan else None,
            data=self.data.entries,
            curves=dict(self._curves),
            histories=dict(self._histories),
            configs=dict(self._configs),
            changed=frozenset(changed),
            view=view,
            data_view=self._data_view(selection.current, scan),
            events=tuple(events),
            unread=any(not history.complete for history in self._histories.values()),
        )

    def scan_soon(self) -> None:
        """Makes the next scan one of all runs, because the list was changed."""
        self._scanned = -SCAN_SECONDS

    def _ended_runs(self) -> list[RunEnded]:
        """Runs that were active at the last scan and have ended since."""
        ended = []
        for entry in self._entries:
            before, now = self._states.get(entry.folder), entry.state.state
            self._states[entry.folder] = now
            if before is not None and before != now and now in ("crashed", "lost", "finished"):
                ended.append(RunEnded(entry))
        return ended

    def _alerts(self) -> list[AlertRaised]:
        """New alerts of all histories; only those of events since this scanner exists."""
        raised = []
        for folder, history in self._histories.items():
            entry = self._entry(folder)
            if entry is None or not history.complete:
                continue
            known = self._alerted.get(folder, 0)
            new = history.alerts[known if known <= len(history.alerts) else 0 :]
            raised += [AlertRaised(entry, alert) for alert in new if alert.t >= self._began]
            self._alerted[folder] = len(history.alerts)
        return raised

    def _sketch(self) -> None:
        for entry in self._entries:
            try:
                status = (entry.folder / EVENTS).stat()
            except OSError:
                self._curves.pop(entry.folder, None)
                continue
            stamp = (status.st_size, status.st_mtime_ns)
            if self._sketched.get(entry.folder) != stamp:
                self._sketched[entry.folder] = stamp
                self._curves[entry.folder] = loss_sketch(entry.folder)

    def _read_histories(self, selection: Selection, scan: bool) -> set[Path]:
        """Reads histories of shown runs every time, those of other active runs once a second."""
        shown = {folder for folder in (selection.current, *selection.pinned) if folder and self._entry(folder)}
        working = {entry.folder for entry in self._entries if entry.active}
        for folder in [folder for folder in self._histories if folder not in shown | working]:
            del self._histories[folder]
            self._alerted.pop(folder, None)
        if scan or not shown <= self._configs.keys():
            self._configs = {folder: self._config(folder) for folder in shown}
        changed = set()
        for folder in shown | working:
            if folder not in self._histories:
                from gptdesk.training.history.history import RunHistory  # numpy, late

                self._histories[folder] = RunHistory(folder)
            elif not scan and folder not in shown and self._histories[folder].complete:
                continue
            if self._histories[folder].update(budget=READ_SECONDS):
                changed.add(folder)
                if folder in shown:
                    self._read_bytes_per_token(folder)
        return changed

    def _read_bytes_per_token(self, folder: Path) -> None:
        """Reads how long the tokens of a run's data are, if the run did not record its losses per byte."""
        from gptdesk.training.history.loss_source import needs_bytes

        history, data = self._histories[folder], self._configs[folder].get("data", {}).get("path")
        if history.bytes_per_token is not None or not isinstance(data, str) or not data or not needs_bytes(history):
            return
        from gptdesk.training.data.bytes_per_token import bytes_per_token

        if (path := Path(data)) not in self._bytes_per_token:
            self._bytes_per_token[path] = bytes_per_token(path)
        history.bytes_per_token = self._bytes_per_token[path]

    def _config(self, folder: Path) -> Mapping[str, Any]:
        """The configuration in force, with present names; the same object as long as it does not change."""
        found = read_json(folder / CONFIG) or (read_json(folder / RUN) or {}).get("config")
        sections = found.items() if isinstance(found, dict) else ()
        config: Mapping[str, Any] = {name: part for name, part in sections if isinstance(part, dict)}
        with suppress(ContentError):  # a setting under two names is told when the run is resumed
            config = with_present_names(config)
        known = self._configs.get(folder, config)
        return known if known == config else config

    def _view(self, folder: Path, scan: bool) -> RunView | None:
        entry = self._entry(folder)
        if entry is None:
            return None
        from gptdesk.training.history.samples import ConsoleTail, SampleLog

        details = self._details.get(folder)
        if details is None:
            details = _Details(SampleLog(folder), ConsoleTail(folder))
            self._details = {folder: details}
            scan = True
        if scan:
            if details.samples.update():
                details.seen_samples = tuple(details.samples.samples)
            self._look_details(entry, details)
        if details.console.update():
            details.seen_console = tuple(details.console.lines)
        history = self._histories[folder]
        heartbeat = entry.state.status.get("heartbeat")
        newest = history.last.get("t")
        return RunView(
            entry=entry,
            history=history,
            read=history.complete,
            samples=details.seen_samples,
            console=details.seen_console,
            checkpoints=details.checkpoints,
            diagnosis=details.diagnosis,
            free=details.free,
            updated=max((t for t in (number(heartbeat, 0.0), number(newest, 0.0)) if t), default=None),
        )

    def _data_view(self, folder: Path | None, scan: bool) -> DataView | None:
        """``None`` also where it need not be read again."""
        another, self._shown_data = folder != self._shown_data, folder
        return self.data.view(folder) if folder and (scan or another) else None

    def _look_details(self, entry: RunEntry, details: _Details) -> None:
        from gptdesk.training.checkpoints import checkpoints
        from gptdesk.training.diagnosis import diagnose

        try:
            details.free = shutil.disk_usage(entry.folder).free
            stamp = (entry.folder / CHECKPOINTS).stat().st_mtime
        except OSError:
            stamp = -2.0
        if stamp != details.checkpoints_of:
            details.checkpoints_of = stamp
            details.checkpoints = tuple(checkpoints(entry.folder))
        if entry.active and details.free is not None and details.checkpoints:
            self._histories[entry.folder].check_disk(details.free, details.checkpoints[-1].bytes)
        crash = (entry.state.state, entry.state.exit.get("t"), details.checkpoints)
        if entry.state.state == "crashed":
            if crash != details.diagnosed:
                details.diagnosis = diagnose(entry.folder, entry.state)
        else:
            details.diagnosis = None
        details.diagnosed = crash

    def _entry(self, folder: Path) -> RunEntry | None:
        return next((entry for entry in self._entries if entry.folder == folder), None)
