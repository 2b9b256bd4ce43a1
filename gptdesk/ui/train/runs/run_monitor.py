"""The window's side of watching runs: looks again and again, in a thread of its own, and tells what is new."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from gptdesk.folders import Folders
from gptdesk.training.index import RunEntry, RunIndex
from gptdesk.ui.services.background import TaskQueue
from gptdesk.ui.train.data.scanner import DataEntry, DataScanner, DataView
from gptdesk.ui.train.preload import preload
from gptdesk.ui.train.runs.autostart import Autostart
from gptdesk.ui.train.runs.pending_requests import PendingRequests
from gptdesk.ui.train.runs.run_scanner import News, RunScanner, RunView, Wish

if TYPE_CHECKING:
    from gptdesk.training.history.history import RunHistory

_SHOWN_MS: Final = 250
"""Between two looks while the page is open."""

_HIDDEN_MS: Final = 1000
"""Between two looks while the person is elsewhere in the window."""


class RunMonitor(QObject):
    """Knows what runs there are, and more of those that are shown or at work.

    Attributes:
        runs: all of them, as they were at the last look.
        data: what is being prepared, as it was then.
        histories: of those that are shown or at work, by folder.
        configs: of those that are shown, as they are in force now, by folder.
        curves: a sketch of each run's loss, by folder.
        view: the run at hand, as it was at the last look.
        data_view: the preparation at hand, if it is one.
        requests: what trainers have been asked for and have not answered.
        waiting: runs that start when their data is ready.

    Signals:
        runs_changed(): ``runs``, ``data`` or ``curves`` are others.
        history_changed(object): the run in that folder has recorded something.
        view_changed(): ``view`` or ``data_view`` is another.
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
        self.data: tuple[DataEntry, ...] = ()
        self.histories: Mapping[Path, RunHistory] = {}
        self.configs: Mapping[Path, Mapping[str, Any]] = {}
        self.curves: Mapping[Path, tuple[float, ...]] = {}
        self.view: RunView | None = None
        self.data_view: DataView | None = None
        self.index = index
        self._scanner = RunScanner(index, DataScanner(folders))
        self._wish = Wish()
        self._looking = self._again = self._warm = False
        self._quick = TaskQueue("runs", self)
        self._long = TaskQueue("long work on runs", self)
        for queue in (self._quick, self._long):
            queue.failed.connect(self.failed)
        self.requests = PendingRequests(self._quick, self)
        self.requests.failed.connect(self.failed)
        self.waiting = Autostart(self)
        self.waiting.failed.connect(self.failed)
        self._timer = QTimer(self)
        self._timer.setInterval(_HIDDEN_MS)
        self._timer.timeout.connect(self.look)

    @property
    def active(self) -> tuple[RunEntry, ...]:
        """The runs that a trainer is at work on."""
        return tuple(run for run in self.runs if run.active)

    def entry(self, folder: Path | None) -> RunEntry | None:
        """The run in that folder, if there is one."""
        return next((run for run in self.runs if run.folder == folder), None)

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
        self.change(expect, lambda _: self.waiting.add(data, name, start))  # seen by every look that follows

    def leave_out(self, folder: Path) -> None:
        """Lists the data in that folder no longer: it is ready, and the person knows."""
        self.change(lambda: self._scanner.data.leave_out(folder))

    def start(self) -> None:
        """From now on until `shut_down`."""
        self._timer.start()
        self.look()

    def set_shown(self, shown: bool) -> None:
        """Whether the page is open: then it is looked more often."""
        self._timer.setInterval(_SHOWN_MS if shown else _HIDDEN_MS)
        if shown:
            self.look()

    def select(self, folder: Path | None) -> None:
        """Makes the run, or the preparation, in that folder the one at hand."""
        if folder == self._wish.current:
            return
        self._wish = replace(self._wish, current=folder)
        self.view = self.data_view = None
        self.look()

    def set_pinned(self, folders: tuple[Path, ...]) -> None:
        """The runs whose curves are drawn with that of the run at hand."""
        self._wish = replace(self._wish, pinned=folders)

    @Slot()
    def look(self) -> None:
        """Looks now, or as soon as the look that goes on has ended."""
        if self._looking:
            self._again = True
            return
        self._looking, self._again = True, False
        wish = self._wish
        self._quick.run(lambda: self._scanner.look(wish), self._on_looked, self._on_failed)

    def change(
        self,
        work: Callable[[], Any],
        done: Callable[[Any], object] | None = None,
        failed: Callable[[str], object] | None = None,
    ) -> None:
        """Changes something about the list of runs, and looks at it again."""

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
        """Does what may take seconds, such as deleting, beside the looking."""
        self._long.run(work, done, failed)

    def preload(self) -> None:
        """Loads what the page stands on, beside the looking; only the first call does."""
        if not self._warm:
            self._warm = True
            self._long.run(preload, None, lambda _: None)

    def shut_down(self, milliseconds: int) -> bool:
        """Ends the threads; returns whether they ended in time."""
        self._timer.stop()
        ended = self._quick.shut_down(milliseconds)
        return self._long.shut_down(milliseconds) and ended

    @Slot(object)
    def _on_looked(self, news: News) -> None:
        self._looking = False
        self.histories, self.configs = news.histories, news.configs
        if news.runs is not None:
            self.runs, self.data, self.curves = news.runs, news.data, news.curves
            self.waiting.look(self)
            self.runs_changed.emit()
        for folder in news.changed:
            self.history_changed.emit(folder)
        self.requests.take_answers(news.histories, self.runs)
        if news.view and news.view.entry.folder == self._wish.current:
            self.view = news.view
            self.view_changed.emit()
        elif news.data_view and news.data_view.entry.folder == self._wish.current:
            self.data_view = news.data_view
            self.view_changed.emit()
        for notice in news.notices:
            if not (notice.kind == "info" and self.waiting.name(notice.folder)):  # what waited for it is told of
                self.noticed.emit(notice)
        if news.unread or self._again:
            self.look()

    def _on_failed(self, sentence: str) -> None:
        self._looking = False
        self._timer.setInterval(_HIDDEN_MS)
        self.failed.emit(sentence)
