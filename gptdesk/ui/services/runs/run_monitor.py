"""Qt front end of the run scanner: scans at intervals in a background task and emits what is new."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from gptdesk.folders import Folders
from gptdesk.training.index import RunEntry, RunIndex
from gptdesk.ui.services.background import Task, TaskQueue
from gptdesk.ui.services.runs.autostart import Autostart
from gptdesk.ui.services.runs.pending_requests import PendingRequests

if TYPE_CHECKING:
    from gptdesk.training.data.data_scanner import DataEntry, DataView
    from gptdesk.training.history.history import RunHistory
    from gptdesk.training.run_scanner import RunScanner
    from gptdesk.training.scan_result import RunView, ScanEvent, ScanResult

_SHOWN_MS: Final = 250
"""Between two scans while the Train page is shown."""

_HIDDEN_MS: Final = 1000
"""Between two scans while another page is shown."""


class RunMonitor(QObject):
    """The runs on this computer, with more about those that are shown or active.

    Attributes:
        runs: all of them, as of the last scan.
        data: preparations, as of the last scan.
        histories: of runs that are shown or active, by folder.
        configs: of runs that are shown, as in force now, by folder.
        curves: a sketch of each run's loss, by folder.
        view: the selected run, as of the last scan.
        data_view: the selected preparation, if one is selected.
        requests: requests that trainers have not answered.
        waiting: runs that start when their data is ready.

    Signals:
        runs_changed(): emitted when ``runs``, ``data`` or ``curves`` were read again.
        history_changed(object): emitted when the run in that folder has recorded something.
        view_changed(): emitted when ``view`` or ``data_view`` changes.
        noticed(object): a `Notice`.
        failed(str): something that was asked for could not be done.
    """

    runs_changed = Signal()
    history_changed = Signal(object)
    view_changed = Signal()
    noticed = Signal(object)
    failed = Signal(str)

    def __init__(self, index: RunIndex, folders: Folders, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.runs: tuple[RunEntry, ...] = ()
        self._by_folder: Mapping[Path, RunEntry] = {}
        self.data: tuple[DataEntry, ...] = ()
        self.histories: Mapping[Path, RunHistory] = {}
        self.configs: Mapping[Path, Mapping[str, Any]] = {}
        self.curves: Mapping[Path, tuple[float, ...]] = {}
        self.view: RunView | None = None
        self.data_view: DataView | None = None
        self.index = index
        self._folders = folders
        self._selected: Path | None = None
        self._pinned: tuple[Path, ...] = ()
        self._scanning = self._again = self._preloaded = False
        self._quick = TaskQueue("runs", self)
        self._long = TaskQueue("long work on runs", self)
        self._reads = TaskQueue("checkpoints", self)
        for queue in (self._quick, self._long, self._reads):
            queue.failed.connect(self.failed)
        self.requests = PendingRequests(self._quick, self)
        self.requests.failed.connect(self.failed)
        self.waiting = Autostart(self)
        self.waiting.failed.connect(self.failed)
        self._timer = QTimer(self)
        self._timer.setInterval(_HIDDEN_MS)
        self._timer.timeout.connect(self.look)

    @cached_property
    def _scanner(self) -> RunScanner:
        """Made at the first scan, after the window was painted."""
        from gptdesk.training.data.data_scanner import DataScanner
        from gptdesk.training.run_scanner import RunScanner

        return RunScanner(self.index, DataScanner(self._folders))

    @property
    def active(self) -> tuple[RunEntry, ...]:
        """The runs that a trainer is working on."""
        return tuple(run for run in self.runs if run.active)

    def entry(self, folder: Path | None) -> RunEntry | None:
        """The run in that folder, if there is one."""
        return self._by_folder.get(folder) if folder is not None else None

    def data_entry(self, folder: Path | None) -> DataEntry | None:
        """The preparation in that folder, if there is one."""
        return next((entry for entry in self.data if entry.folder == folder), None)

    def start_when_ready(self, data: Path, name: str, start: Callable[[], Path]) -> None:
        """Starts a run as soon as the data in that folder is ready.

        Args:
            data: folder of a preparation.
            name: of the run.
            start: starts it and returns its folder; for a worker thread.
        """
        expect = partial(self._scanner.data.expect, data)
        self.change(expect, lambda _: self.waiting.add(data, name, start))  # every later scan knows it

    def leave_out(self, folder: Path) -> None:
        """Stops listing the data in that folder, which is ready and has been seen."""
        self.change(lambda: self._scanner.data.leave_out(folder))

    def start(self) -> None:
        """Scans at intervals until `shut_down`."""
        self._timer.start()
        self.look()

    def set_shown(self, shown: bool) -> None:
        """Scans more often while the Train page is shown."""
        self._timer.setInterval(_SHOWN_MS if shown else _HIDDEN_MS)
        if shown:
            self.look()

    def select(self, folder: Path | None) -> None:
        """Selects the run, or the preparation, in that folder."""
        if folder == self._selected:
            return
        self._selected = folder
        self.view = self.data_view = None
        self.look()

    def set_pinned(self, folders: tuple[Path, ...]) -> None:
        """Sets the runs whose curves are drawn with that of the selected run."""
        self._pinned = folders

    @Slot()
    def look(self) -> None:
        """Scans now, or as soon as the running scan has ended."""
        if self._scanning:
            self._again = True
            return
        from gptdesk.training.scan_result import Selection

        self._scanning, self._again = True, False
        scan = partial(self._scanner.scan, Selection(self._selected, self._pinned))
        self._quick.run(scan, self._on_scanned, self._on_failed)

    def change(
        self,
        work: Callable[[], Any],
        done: Callable[[Any], object] | None = None,
        failed: Callable[[str], object] | None = None,
    ) -> None:
        """Changes something about the list of runs, and scans it again."""

        def on_done(result: Any) -> None:
            self._scanner.scan_soon()
            self.look()
            if done:
                done(result)

        self._quick.run(work, on_done, failed)

    def run_long(
        self,
        work: Callable[[], Any],
        done: Callable[[Any], object] | None = None,
        failed: Callable[[str], object] | None = None,
    ) -> None:
        """Runs what may take seconds, such as deleting, beside the scans."""
        self._long.run(work, done, failed)

    def read_checkpoints(
        self,
        work: Callable[[Task], Any],
        done: Callable[[Any], object],
        failed: Callable[[str], object],
        progress: Callable[[int, int], object],
    ) -> Task:
        """Runs work that reads checkpoints of a run, one piece of it after the other; it can be cancelled."""
        return self._reads.run_task(work, done, failed, progress=progress)

    def preload(self, work: Callable[[], None]) -> None:
        """Runs work that the Train page has registered, beside the scans; only the first call does."""
        if not self._preloaded:
            self._preloaded = True
            self._long.run(work, None, lambda _: None)

    def shut_down(self, milliseconds: int) -> bool:
        """Ends the threads; returns whether they ended in time."""
        self._timer.stop()
        ended = self._quick.shut_down(milliseconds)
        ended = self._reads.shut_down(milliseconds) and ended
        return self._long.shut_down(milliseconds) and ended

    @Slot(object)
    def _on_scanned(self, result: ScanResult) -> None:
        """Takes over the whole result before it emits anything: listeners compare the list with the view."""
        self._scanning = False
        self.histories, self.configs = result.histories, result.configs
        seen = result.view or result.data_view
        if result.runs is not None:
            self.runs, self.data, self.curves = result.runs, result.data, result.curves
            self._by_folder = {run.folder: run for run in result.runs}
        if seen and seen.entry.folder == self._selected:
            self.view, self.data_view = result.view, None if result.view else result.data_view
        if result.runs is not None:
            self.waiting.start_ready(self)
            self.runs_changed.emit()
        for folder in result.changed:
            self.history_changed.emit(folder)
        self.requests.take_answers(result.histories, self.runs)
        if seen and seen.entry.folder == self._selected:  # still
            self.view_changed.emit()
        if result.events:
            self._tell_of(result.events)
        if result.unread or self._again:
            self.look()

    def _tell_of(self, events: Sequence[ScanEvent]) -> None:
        from gptdesk.ui.services.runs.notices import notice_of

        for notice in map(notice_of, events):
            if not (notice.kind == "info" and self.waiting.name(notice.folder)):  # its run is announced
                self.noticed.emit(notice)

    def _on_failed(self, sentence: str) -> None:
        self._scanning = False
        self._timer.setInterval(_HIDDEN_MS)
        self.failed.emit(sentence)
