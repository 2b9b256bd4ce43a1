"""What can be done with data that is being prepared: pause, go on, cancel, train on it; with keys of their own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QUrl, Signal
from PySide6.QtGui import QAction, QDesktopServices, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from gptdesk.training.data.data_scanner import DataEntry
from gptdesk.training.data.preparations import Preparation
from gptdesk.ui.services.runs.run_monitor import RunMonitor
from gptdesk.ui.train.data_labels import CAN_GO_ON
from gptdesk.ui.widgets.actions import make_action
from gptdesk.ui.widgets.question import Question


class DataActions(QObject):
    """Actions on the preparation at hand.

    Args:
        window: parent of dialogs; the actions' keys hold in it.
        current: gives the preparation at hand.

    Attributes:
        asked: what preparations have been asked for and have not done yet, by folder.

    Signals:
        changed(): ``asked`` is another.
        run_wanted(object): the person wants to train on the data in that folder.
    """

    changed = Signal()
    run_wanted = Signal(object)

    def __init__(self, run_monitor: RunMonitor, window: QWidget, current: Callable[[], DataEntry | None]) -> None:
        super().__init__(window)
        self._run_monitor, self._window, self._current = run_monitor, window, current
        self.asked: dict[Path, str] = {}
        self.use = self._action("New run with this data", self._use)
        self.pause = self._action("Pause", self._pause, "Ctrl+Shift+P")
        self.folder = self._action("Open folder", self._open_folder)
        self.cancel = self._action("Cancel…", self._cancel, QKeySequence.StandardKey.Delete)
        self.leave_out = self._action("Take off the list", self._leave_out)
        self.forget = self._action("Do not start the run", self._forget)
        self.show_data(None)

    def _action(self, text: str, act: Callable[[], object], key: str | QKeySequence.StandardKey = "") -> QAction:
        return make_action(self, self._window, text, act, key)

    def show_data(self, entry: DataEntry | None) -> None:
        """Offers what makes sense for the preparation at hand."""
        asked = self.asked.get(entry.folder, "") if entry else ""
        if entry and ((asked == "Pausing…" and not entry.active) or (asked == "Resuming…" and entry.active)):
            asked = ""
            del self.asked[entry.folder]
        state = entry.state.state if entry else ""
        ready = entry is not None and entry.ready
        words = "Try again" if state == "failed" else "Resume" if state in CAN_GO_ON else "Pause"
        self.pause.setText(asked or words)
        self.pause.setEnabled(entry is not None and not ready and not asked)
        self.pause.setVisible(not ready)
        self.cancel.setText("Dismiss" if state == "failed" else "Cancel…")
        self.cancel.setEnabled(entry is not None and not ready and asked != "Cancelling…")
        self.cancel.setVisible(not ready)
        self.leave_out.setVisible(ready)
        self.use.setEnabled(entry is not None and state != "failed")
        self.folder.setEnabled(entry is not None)
        self.forget.setVisible(entry is not None and bool(self._run_monitor.waiting.name(entry.folder)))

    def fill(self, menu: QMenu) -> None:
        """Adds everything to a menu."""
        menu.addAction(self.use)
        menu.addAction(self.forget)
        menu.addSeparator()
        for action in (self.pause, self.folder):
            menu.addAction(action)
        menu.addSeparator()
        for action in (self.cancel, self.leave_out):
            menu.addAction(action)

    def _use(self) -> None:
        if entry := self._current():
            self.run_wanted.emit(entry.folder)

    def _pause(self) -> None:
        entry = self._current()
        if entry is None:
            return
        preparation = Preparation(entry.folder)
        goes_on = entry.state.state in CAN_GO_ON
        self._ask(entry.folder, "Resuming…" if goes_on else "Pausing…")
        work = preparation.resume if goes_on else preparation.pause
        self._run_monitor.change(work, None, partial(self._on_refused, entry.folder))

    def _cancel(self) -> None:
        entry = self._current()
        if entry is None:
            return
        folder = entry.folder
        if entry.state.state == "failed" and not entry.state.tokens:  # nothing would be lost
            self._remove(folder)
        else:
            Question(
                f"Cancel preparing “{entry.name}”?",
                "What is done so far is removed. The texts that it is made from stay.",
                [("Remove", lambda: self._remove(folder))],
                dangerous=True,
                parent=self._window,
            ).open()

    def _remove(self, folder: Path) -> None:
        def on_done(_: object) -> None:
            self._ask(folder, "")
            self._run_monitor.change(lambda: None)

        self._ask(folder, "Cancelling…")
        self._run_monitor.run_long(Preparation(folder).cancel, on_done, partial(self._on_refused, folder))

    def _on_refused(self, folder: Path, sentence: str) -> None:
        self._ask(folder, "")
        self._run_monitor.failed.emit(sentence)

    def _ask(self, folder: Path, words: str) -> None:
        self.asked.pop(folder, None)
        if words:
            self.asked[folder] = words
        self.changed.emit()

    def _open_folder(self) -> None:
        if entry := self._current():
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(entry.folder)))

    def _leave_out(self) -> None:
        if entry := self._current():
            self._run_monitor.leave_out(entry.folder)

    def _forget(self) -> None:
        if entry := self._current():
            self._run_monitor.waiting.forget(entry.folder)
