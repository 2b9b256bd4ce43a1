"""Requests to the trainer of the selected run: pause, checkpoint, sample, changed settings, abort, resume."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from gptdesk.training.launch import resume_run
from gptdesk.ui.services.page_messages import PageMessages
from gptdesk.ui.services.runs.pending_requests import Pending
from gptdesk.ui.services.runs.service import RunService
from gptdesk.ui.train.runs.dialogs.change import ChangeDialog
from gptdesk.ui.train.runs.dialogs.sample import SampleDialog
from gptdesk.ui.train.runs.request_labels import TITLES, WAITING, is_blocked
from gptdesk.ui.widgets.question import Question

_PROMPT: Final = "Once upon a time"


class RunRequests(QObject):
    """Sends requests to the selected run; a dialog comes first if something must be chosen or could be lost.

    Args:
        messages: show why the run or the trainer refuses.
        current: returns the folder of the selected run.
        sample_thread: returns prompt and seed of the samples that are shown, if any.
        text: returns the text of the open document, which can be a prompt.
        window: parent of dialogs.

    Attributes:
        restarting: folders of runs that are being resumed.

    Signals:
        changed(): emitted when `restarting` changes.
    """

    changed = Signal()

    def __init__(
        self,
        run_monitor: RunService,
        messages: PageMessages,
        current: Callable[[], Path | None],
        sample_thread: Callable[[], tuple[str, int] | None],
        text: Callable[[], str],
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._run_monitor, self._messages, self._current, self._window = run_monitor, messages, current, window
        self._sample_thread, self._text = sample_thread, text
        self.restarting: set[Path] = set()
        run_monitor.runs_changed.connect(self._on_runs_changed)
        run_monitor.requests.refused.connect(self._on_refused)

    def why_not(self, name: str) -> str | None:
        """Why the selected run cannot be asked for an action, "change", "abort" or "restart"; ``None`` if it can."""
        entry = self._run_monitor.entry(self._current())
        if entry is None:
            return "Choose a run first."
        if name == "restart":
            if entry.folder in self.restarting:
                return "The run is being resumed."
            return "The run has not ended." if entry.active else None
        if not entry.active:
            return "The run is not active."
        asked = {request.action for request in self._run_monitor.requests.pending(entry.folder)}
        paused = entry.state.state == "paused"
        if name in asked:
            return "The trainer has not answered the last request yet."
        if (name == "pause" and paused) or (name == "resume" and not paused):
            return "The run is paused." if paused else "The run is not paused."
        if name in TITLES and is_blocked(name, entry.state.state, asked):
            return "The run is paused." if name == "checkpoint" and paused else "The run is stopping."
        return None

    def label(self, name: str) -> str:
        """Label of an action or of "restart" in menus and buttons: the request, or that it waits for an answer."""
        entry = self._run_monitor.entry(self._current())
        folder = entry.folder if entry else None
        if name == "restart":
            return "Resuming…" if folder in self.restarting else "Resume training"
        pending = self._run_monitor.requests.pending(folder) if folder else ()
        return WAITING[name] if name in {request.action for request in pending} else TITLES[name].label

    @Slot(str)
    def ask(self, action: str) -> None:
        """Asks the selected run for "checkpoint", "evaluate", "sample", "pause", "resume" or "stop"."""
        folder = self._current()
        if folder is None:
            return
        if action == "sample":
            self._ask_for_sample(folder)
        else:
            self._run_monitor.requests.ask(folder, action)

    def _ask_for_sample(self, folder: Path) -> None:
        prompt, seed = self._sample_thread() or (_PROMPT, 1)
        dialog = SampleDialog(prompt, seed, self._text(), self._window)
        ask = self._run_monitor.requests.ask
        dialog.decided.connect(lambda prompt, seed: ask(folder, "sample", prompt=prompt, seed=seed))
        dialog.open()

    def change_settings(self) -> None:
        """Asks for other intervals, or another factor of the learning rate, and sends them to the run."""
        folder = self._current()
        history = self._run_monitor.histories.get(folder) if folder else None
        if folder is None or history is None:
            return
        values: dict[str, Any] = dict(self._run_monitor.configs.get(folder, {}).get("run", {}))
        for event in list(history.recent):
            args = event.get("args") or {}
            if event.get("ev") == "control" and event.get("action") == "set" and event.get("done"):
                values[str(args.get("name"))] = args.get("value")
        dialog = ChangeDialog(values, self._window)

        def ask(changes: dict[str, Any]) -> None:
            for name, value in changes.items():
                self._run_monitor.requests.ask(folder, "set", name=name, value=value)

        dialog.decided.connect(ask)
        dialog.open()

    def abort(self) -> None:
        """Ends the run without a checkpoint, if the user confirms it."""
        entry = self._run_monitor.entry(self._current())
        if entry is None:
            return
        folder = entry.folder
        Question(
            f"Abort “{entry.name}”?",
            "The run ends without saving. Steps since the last checkpoint are lost.",
            [("Abort", lambda: self._run_monitor.requests.ask(folder, "abort"))],
            dangerous=True,
            parent=self._window,
        ).open()

    @Slot()
    def restart(self) -> None:
        """Resumes a run that has ended, from its newest complete checkpoint."""
        folder = self._current()
        if folder is None or folder in self.restarting:
            return
        self.restarting.add(folder)
        self.changed.emit()

        def failed(sentence: str) -> None:
            self.restarting.discard(folder)
            self.changed.emit()
            self._messages.refuse(sentence)

        self._run_monitor.change(partial(resume_run, folder), failed=failed)

    @Slot()
    def _on_runs_changed(self) -> None:
        self.restarting -= {run.folder for run in self._run_monitor.runs if run.active}

    @Slot(object, str)
    def _on_refused(self, pending: Pending, reason: str) -> None:
        entry = self._run_monitor.entry(pending.folder)
        name = entry.name if entry else pending.folder.name
        self._messages.refuse(f"{name} did not {pending.action}: {reason.rstrip('.')}.")
