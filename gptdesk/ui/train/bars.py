"""Bars of the Train page: the name of the selected run, the button that starts a new one, and the run's state."""

from __future__ import annotations

import time
from typing import Final

from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtWidgets import QMenu, QWidget

from gptdesk.training.data.data_scanner import DataEntry
from gptdesk.training.scan_result import RunView
from gptdesk.ui import number_format
from gptdesk.ui.services.runs.service import RunService
from gptdesk.ui.theme import Theme
from gptdesk.ui.train.data_labels import data_detail_words, data_role, data_state_words
from gptdesk.ui.train.runs.labels import SEPARATOR, state_label
from gptdesk.ui.widgets.action_button import ActionButton
from gptdesk.ui.widgets.elided_label import ElidedLabel
from gptdesk.ui.widgets.layout.page_bars import PageBar, PageStatus
from gptdesk.ui.window.commands.registry import Commands

_EVERY_MS: Final = 500


class TrainBar(PageBar):
    """The top bar.

    Args:
        menu: of the window.
        commands: with those of `train_commands`.

    Attributes:
        name: of the selected run or data.
        new: opens the sheet that starts a run.
    """

    def __init__(self, theme: Theme, menu: QMenu, commands: Commands, parent: QWidget | None = None) -> None:
        self.name = ElidedLabel()
        self.name.setProperty("kind", "heading")
        self.name.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.name.setAccessibleName("Run")
        self.new = ActionButton(commands.action("run.new"), "New run")
        self.new.setProperty("kind", "accent")
        super().__init__(theme, "Train", menu, (self.new,), self.name, parent)


class TrainStatus(PageStatus):
    """The status bar: state of the selected run, age of its last update, checkpoint and disk."""

    def __init__(self, theme: Theme, run_monitor: RunService, parent: QWidget | None = None) -> None:
        super().__init__(theme, ("State of the run", "Process and last update", "Checkpoint and disk"), parent)
        self._run_monitor = run_monitor
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self.show_now)
        run_monitor.view_changed.connect(self.show_now)

    def showEvent(self, event: object) -> None:
        self._timer.start()
        self.show_now()

    def hideEvent(self, event: object) -> None:
        self._timer.stop()

    @Slot()
    def show_now(self) -> None:
        """Shows the present state."""
        if not self.isVisible():
            return
        view, data = self._run_monitor.view, self._run_monitor.data_view
        if view is not None:
            self._show_run(view)
        elif data is not None:
            self._show_data(data.entry)
        else:
            self._show_active()

    def _show_active(self) -> None:
        """Shows how many runs are active, while none is selected."""
        active = len(self._run_monitor.active)
        self.dot.set_state("good" if active else "muted")
        self._show_texts(number_format.counted(active, "active run") if active else "No active run", "", "")

    def _show_data(self, entry: DataEntry) -> None:
        self.dot.set_state(data_role(entry.state), ring=entry.active)
        self._show_texts(_sentence(data_state_words(entry.state)), data_detail_words(entry.state), "")

    def _show_run(self, view: RunView) -> None:
        label = state_label(view.entry)
        self.dot.set_state(label.role, ring=label.ring)
        parts = _process(view) if view.read else ["reading its history…"]
        detail = "".join(f"{SEPARATOR.lstrip()}{part}  " for part in parts).rstrip()
        self._show_texts(label.title, detail, SEPARATOR.join(_checkpoint_and_disk(view)))

    def _show_texts(self, state: str, detail: str, right: str) -> None:
        self.state.setText(state)
        self.detail.setText(detail)
        self.right.setText(right)


def _process(view: RunView) -> list[str]:
    """Process, age of the last update, and why the run waits."""
    entry, status = view.entry, view.entry.state.status
    parts = []
    if entry.active:
        parts += [f"process {status['pid']}"] if status.get("pid") else []
        parts += [f"last update {_ago(view.updated)}"] if view.updated else []
    reason = str(status.get("degraded") or (entry.active and status.get("reason")) or "")
    return [*parts, reason] if reason else parts


def _checkpoint_and_disk(view: RunView) -> list[str]:
    newest = [f"checkpoint {number_format.count(last.step)} ({_ago(last.t)})" for last in view.checkpoints[-1:]]
    return newest if view.free is None else [*newest, f"disk {number_format.memory(view.free)} free"]


def _ago(t: float) -> str:
    return number_format.ago(max(0.0, time.time() - t))


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
