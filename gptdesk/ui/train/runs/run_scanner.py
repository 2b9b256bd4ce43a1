"""What is to be seen of all runs, and of one more closely; read in a thread of its own and handed over whole."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gptdesk.training.history.curve import loss_sketch
from gptdesk.training.index import RunEntry, RunIndex
from gptdesk.training.jsonvalues import number
from gptdesk.ui import number_format
from gptdesk.ui.train.data.scanner import DataEntry, DataScanner, DataView, ending_words
from trainer.rundir import CHECKPOINTS, CONFIG, EVENTS, RUN, read_json

if TYPE_CHECKING:
    from gptdesk.training.checkpoints import CheckpointInfo
    from gptdesk.training.diagnosis import Diagnosis
    from gptdesk.training.history.history import RunHistory
    from gptdesk.training.history.samples import ConsoleTail, Sample, SampleLog

SCAN_SECONDS: Final = 1.0
"""Between two looks at all runs; the run at hand is looked at more often."""

READ_SECONDS: Final = 0.15
"""A long history is read in bites of this length, so that other runs are not kept waiting."""


@dataclass(frozen=True)
class Wish:
    """What the page shows now.

    Attributes:
        current: folder of the run, or of the data in preparation, at hand.
        pinned: folders of runs whose curves are drawn with it.
    """

    current: Path | None = None
    pinned: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Notice:
    """Something that happened to a run, for somebody who looks elsewhere.

    Attributes:
        kind: "info", "warn" or "bad".
        shown: whether the page shows it anyway, when this run is at hand.
    """

    folder: Path
    kind: str
    title: str
    text: str
    shown: bool = False


@dataclass(frozen=True)
class RunView:
    """The run at hand.

    Attributes:
        read: whether all of its history has been read.
        console: its last lines.
        checkpoints: those that are whole, newest last.
        diagnosis: why it crashed, if it did.
        free: bytes on its disk.
        looked: when, in seconds since the epoch.
        updated: when the run was last heard of.
    """

    entry: RunEntry
    history: RunHistory
    read: bool
    samples: tuple[Sample, ...] = ()
    console: tuple[str, ...] = ()
    checkpoints: tuple[CheckpointInfo, ...] = ()
    diagnosis: Diagnosis | None = None
    free: int | None = None
    looked: float = 0.0
    updated: float | None = None


@dataclass(frozen=True)
class News:
    """What one look has found.

    Attributes:
        runs: all of them; None when they were not looked at.
        data: all that is being prepared.
        curves: a sketch of each one's loss.
        histories: of the runs that are followed.
        configs: of the runs that are shown; in force now.
        changed: those of them that have something new.
        view: the run at hand, if there is one.
        data_view: the preparation at hand, if it is one.
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
    notices: tuple[Notice, ...]
    unread: bool


@dataclass
class _Closer:
    """What is read of the run at hand alone."""

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
    """Looks when it is told to; only one thread may.

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
    _closer: dict[Path, _Closer] = field(default_factory=dict)
    _data_at_hand: Path | None = None

    def look(self, wish: Wish) -> News:
        """Reads what is new of the runs that are wished for or at work, and once a second of all others."""
        now = time.monotonic()
        scan = now - self._scanned >= SCAN_SECONDS
        notices: list[Notice] = []
        if scan:
            self._scanned = now
            self._entries = tuple(self.index.scan())
            notices += self._transitions()
            self._sketch()
            notices += [Notice(entry.folder, *ending_words(entry), shown=True) for entry in self.data.scan()]
        changed = self._read_histories(wish, scan)
        notices += self._alerts()
        view = self._view(wish.current, scan) if wish.current else None
        return News(
            runs=self._entries if scan else None,
            data=self.data.entries,
            curves=dict(self._curves),
            histories=dict(self._histories),
            configs=dict(self._configs),
            changed=frozenset(changed),
            view=view,
            data_view=self._data_view(wish.current, scan),
            notices=tuple(notices),
            unread=any(not history.complete for history in self._histories.values()),
        )

    def scan_soon(self) -> None:
        """The next look is one at all runs: somebody has changed the list."""
        self._scanned = -SCAN_SECONDS

    def _transitions(self) -> list[Notice]:
        """Runs that were at work when they were last looked at and have ended since."""
        notices = []
        for entry in self._entries:
            before, now = self._states.get(entry.folder), entry.state.state
            self._states[entry.folder] = now
            if before is None or before == now:
                continue
            if now == "crashed":
                reason = str(entry.state.exit.get("reason") or "It ended without saying why.")
                text = f"{reason.rstrip('.')}. The Train page shows its last output and can resume it."
                notices.append(Notice(entry.folder, "bad", f"{entry.name} has crashed", text, shown=True))
            elif now == "lost":
                text = "Its computer does not answer; it may still be training there."
                notices.append(Notice(entry.folder, "warn", f"{entry.name} is lost", text, shown=True))
            elif now == "finished":
                title = f"{entry.name} has finished"
                notices.append(Notice(entry.folder, "info", title, _result(entry), shown=True))
        return notices

    def _alerts(self) -> list[Notice]:
        """What histories warn of, once, and only what happened while somebody could be told."""
        notices = []
        for folder, history in self._histories.items():
            entry = self._entry(folder)
            if entry is None or not history.complete:
                continue
            known = self._alerted.get(folder, 0)
            for alert in history.alerts[known if known <= len(history.alerts) else 0 :]:
                if alert.t >= self._began:
                    notices.append(Notice(folder, "warn", f"{entry.name}: {alert.title}", alert.explanation))
            self._alerted[folder] = len(history.alerts)
        return notices

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

    def _read_histories(self, wish: Wish, scan: bool) -> set[Path]:
        """Those on the page at every look, others that are at work at every scan."""
        shown = {folder for folder in (wish.current, *wish.pinned) if folder and self._entry(folder)}
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
        return changed

    def _config(self, folder: Path) -> Mapping[str, Any]:
        """What the trainer of that run goes by now; the same object as long as it is the same."""
        found = read_json(folder / CONFIG) or (read_json(folder / RUN) or {}).get("config")
        sections = found.items() if isinstance(found, dict) else ()
        config: Mapping[str, Any] = {name: part for name, part in sections if isinstance(part, dict)}
        known = self._configs.get(folder, config)
        return known if known == config else config

    def _view(self, folder: Path, scan: bool) -> RunView | None:
        entry = self._entry(folder)
        if entry is None:
            return None
        from gptdesk.training.history.samples import ConsoleTail, SampleLog

        closer = self._closer.get(folder)
        if closer is None:
            closer = _Closer(SampleLog(folder), ConsoleTail(folder))
            self._closer = {folder: closer}
            scan = True
        if scan:
            if closer.samples.update():
                closer.seen_samples = tuple(closer.samples.samples)
            self._look_closer(entry, closer)
        if closer.console.update():
            closer.seen_console = tuple(closer.console.lines)
        history = self._histories[folder]
        heartbeat = entry.state.status.get("heartbeat")
        newest = history.last.get("t")
        return RunView(
            entry=entry,
            history=history,
            read=history.complete,
            samples=closer.seen_samples,
            console=closer.seen_console,
            checkpoints=closer.checkpoints,
            diagnosis=closer.diagnosis,
            free=closer.free,
            looked=time.time(),
            updated=max((t for t in (number(heartbeat, 0.0), number(newest, 0.0)) if t), default=None),
        )

    def _data_view(self, folder: Path | None, scan: bool) -> DataView | None:
        """None where there is nothing new to be said of it, too."""
        another, self._data_at_hand = folder != self._data_at_hand, folder
        return self.data.view(folder) if folder and (scan or another) else None

    def _look_closer(self, entry: RunEntry, closer: _Closer) -> None:
        from gptdesk.training.checkpoints import checkpoints
        from gptdesk.training.diagnosis import diagnose

        try:
            closer.free = shutil.disk_usage(entry.folder).free
            stamp = (entry.folder / CHECKPOINTS).stat().st_mtime
        except OSError:
            stamp = -2.0
        if stamp != closer.checkpoints_of:
            closer.checkpoints_of = stamp
            closer.checkpoints = tuple(checkpoints(entry.folder))
        if entry.active and closer.free is not None and closer.checkpoints:
            self._histories[entry.folder].check_disk(closer.free, closer.checkpoints[-1].bytes)
        crash = (entry.state.state, entry.state.exit.get("t"), closer.checkpoints)
        if entry.state.state == "crashed":
            if crash != closer.diagnosed:
                closer.diagnosis = diagnose(entry.folder, entry.state)
        else:
            closer.diagnosis = None
        closer.diagnosed = crash

    def _entry(self, folder: Path) -> RunEntry | None:
        return next((entry for entry in self._entries if entry.folder == folder), None)


def _result(entry: RunEntry) -> str:
    if entry.best_loss is None:
        return "It has taken all of its steps."
    step = number_format.count(entry.best_step or 0)
    return f"Best validation loss {number_format.decimal(entry.best_loss, 4)} at step {step}."
