"""Bars of the Train page: the name of the selected run, the button that starts a new one, and the run's state."""

from __future__ import annotations

import time
from typing import Final

from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtWidgets import QMenu, QWidget

from gptdesk.ui import number_format
from gptdesk.ui.services.services import RunService
from gptdesk.ui.theme import Theme
from gptdesk.ui.train.data_labels import data_detail_words, data_role, data_state_words
from gptdesk.ui.train.runs.labels import RINGS, SEPARATOR, role, state_words
from gptdesk.ui.widgets.action_button import ActionButton
from gptdesk.ui.widgets.elided_label import ElidedLabel
from gptdesk.ui.widgets.layout.page_bars import PageBar, PageStatus
from gptdesk.ui.window.commands.registry import Commands

_EVERY_MS: Final = 500
_WORDS: Final = {
    "starting": "Starting",
    "compiling": "Compiling; the first step takes up to a minute",
    "running": "Training",
    "paused": "Paused",
    "stopping": "Saving and stopping",
    "finished": "Finished",
    "stopped": "Stopped",
    "crashed": "Crashed",
    "lost": "No heartbeat",
}


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
        view = self._run_monitor.view
        data = self._run_monitor.data_view
        if view is None and data is not None:
            self.dot.set_state(data_role(data.entry.state), ring=data.entry.active)
            self.state.setText(_sentence(data_state_words(data.entry.state)))
            self.detail.setText(data_detail_words(data.entry.state))
            self.right.setText("")
            return
        if view is None:
            working = len(self._run_monitor.active)
            self.dot.set_state("good" if working else "muted")
            active = f"{working} active run{'' if working == 1 else 's'}" if working else "No active run"
            self.state.setText(active)
            self.detail.setText("")
            self.right.setText("")
            return
        entry = view.entry
        state = entry.state.state
        self.dot.set_state(role(entry), ring=state in RINGS)
        self.state.setText(_sentence(state_words(entry)) if entry.problem else _WORDS.get(state, state))
        parts = []
        if entry.active:
            pid = entry.state.status.get("pid")
            parts += [f"process {pid}"] if pid else []
            parts += [f"last update {number_format.ago(max(0.0, time.time() - view.updated))}"] if view.updated else []
        reason = str(entry.state.status.get("degraded") or (entry.active and entry.state.status.get("reason")) or "")
        parts += [reason] if reason else []
        if not view.read:
            parts = ["reading its history…"]
        self.detail.setText("".join(f"{SEPARATOR.lstrip()}{part}  " for part in parts).rstrip())
        right = []
        if view.checkpoints:
            newest = view.checkpoints[-1]
            right.append(
                f"checkpoint {number_format.count(newest.step)} ({number_format.ago(max(0.0, time.time() - newest.t))})"
            )
        right += [f"disk {number_format.memory(view.free)} free"] if view.free is not None else []
        self.right.setText(SEPARATOR.join(right))


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
