"""Actions on data in preparation: pause, resume, cancel, train on it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QMenu, QWidget

from gptdesk.training.data.data_scanner import DataEntry
from gptdesk.training.data.preparations import Preparation
from gptdesk.ui.services.page_messages import PageMessages
from gptdesk.ui.services.runs.service import RunService
from gptdesk.ui.train.data_labels import CAN_GO_ON
from gptdesk.ui.widgets.question import Question
from gptdesk.ui.window.commands.registry import Commands

PAUSING, RESUMING, CANCELLING = "Pausing…", "Resuming…", "Cancelling…"
"""Labels of the buttons until the preparation has answered."""


class DataActions(QObject):
    """Runs the commands on the chosen data, and says why they are not possible.

    Args:
        window: parent of dialogs.
        current: returns the chosen data.
        commands: with those of `train_commands`.

    Attributes:
        asked: label of the request that a preparation has not answered yet, by folder.

    Signals:
        changed(): emitted when ``asked`` changes.
        run_wanted(object): emitted to train on the data in that folder.
    """

    changed = Signal()
    run_wanted = Signal(object)

    def __init__(
        self,
        run_monitor: RunService,
        messages: PageMessages,
        window: QWidget,
        current: Callable[[], DataEntry | None],
        commands: Commands,
    ) -> None:
        super().__init__(window)
        self._run_monitor, self._messages = run_monitor, messages
        self._window, self._current = window, current
        self._commands = commands
        self.asked: dict[Path, str] = {}
        self._run = {
            "use": self._use,
            "pause": self._pause,
            "folder": self._open_folder,
            "cancel": self._cancel,
            "leave_out": self._leave_out,
            "forget": self._forget,
        }
        action = {name: commands.action(f"data.{name}") for name in self._run}
        self.use, self.pause, self.folder = action["use"], action["pause"], action["folder"]
        self.cancel, self.leave_out, self.forget = action["cancel"], action["leave_out"], action["forget"]
        self.show_data(None)

    def run(self, name: str) -> None:
        """Runs the command of that name on the chosen data."""
        self._run[name]()

    def why_not(self, name: str) -> str | None:
        """Why the chosen data does not allow that; ``None`` if it does."""
        entry = self._current()
        if entry is None:
            return "Choose data in preparation first."
        asked, state = self.asked.get(entry.folder, ""), entry.state.state
        if name == "use":
            return "The data could not be prepared." if state == "failed" else None
        if name in ("pause", "cancel") and entry.ready:
            return "The data is ready."
        if name == "pause" and asked:
            return "The preparation has not answered yet."
        if name == "cancel" and asked == CANCELLING:
            return "The preparation is being cancelled."
        if name == "leave_out" and not entry.ready:
            return "The data is not ready; cancel its preparation instead."
        if name == "forget" and not self._run_monitor.waiting.name(entry.folder):
            return "No run waits for this data."
        return None

    def label(self, name: str) -> str:
        """Label of a command that depends on the data; "" for its usual label."""
        entry = self._current()
        state = entry.state.state if entry else ""
        if name == "pause":
            asked = self.asked.get(entry.folder, "") if entry else ""
            return asked or ("Try again" if state == "failed" else "Resume" if state in CAN_GO_ON else "Pause")
        return "Dismiss" if name == "cancel" and state == "failed" else ""

    def show_data(self, entry: DataEntry | None) -> None:
        """Enables the actions that are possible with the chosen data, and hides those that do not apply to it."""
        asked = self.asked.get(entry.folder, "") if entry else ""
        if entry and ((asked == PAUSING and not entry.active) or (asked == RESUMING and entry.active)):
            del self.asked[entry.folder]
        ready = entry is not None and entry.ready
        self.pause.setVisible(not ready)
        self.cancel.setVisible(not ready)
        self.leave_out.setVisible(ready)
        self.forget.setVisible(entry is not None and bool(self._run_monitor.waiting.name(entry.folder)))
        self._commands.refresh(*(f"data.{name}" for name in self._run))

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
        self._ask(entry.folder, RESUMING if goes_on else PAUSING)
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
                "The data prepared so far is deleted. The source texts stay.",
                [("Remove", lambda: self._remove(folder))],
                dangerous=True,
                parent=self._window,
            ).open()

    def _remove(self, folder: Path) -> None:
        def on_done(_: object) -> None:
            self._ask(folder, "")
            self._run_monitor.change(lambda: None)

        self._ask(folder, CANCELLING)
        self._run_monitor.run_long(Preparation(folder).cancel, on_done, partial(self._on_refused, folder))

    def _on_refused(self, folder: Path, sentence: str) -> None:
        self._ask(folder, "")
        self._messages.fail(sentence, "runs")

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
