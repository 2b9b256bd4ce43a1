"""The checkpoints of the run that the model in use belongs to, listed in the background."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from gptdesk.training.checkpoints import checkpoints, run_of
from gptdesk.ui.services.runs.service import RunService

if TYPE_CHECKING:
    from gptdesk.training.checkpoints import CheckpointInfo


class RunCheckpoints(QObject):
    """Follows the model in use, and the run while it saves more checkpoints.

    Args:
        runs: lists them.

    Attributes:
        run: its folder; None where the model is no checkpoint of a run.
        listed: whether its checkpoints are known.
        found: they, the first one first, as they were listed last.
        folder: of the model in use.

    Signals:
        changed(): emitted when any of these has changed.
    """

    changed = Signal()

    def __init__(self, runs: RunService, parent: QObject) -> None:
        super().__init__(parent)
        self._runs = runs
        self.run: Path | None = None
        self.listed = False
        self.found: tuple[CheckpointInfo, ...] = ()
        self.folder: Path | None = None
        self._saved: object = None  # when the run saved its newest checkpoint
        runs.runs_changed.connect(self._on_runs_changed)

    def use(self, folder: Path | None) -> None:
        """The model in that folder is in use now."""
        run = run_of(folder) if folder is not None else None
        if run != self.run:
            self.run, self.found, self.listed = run, (), False
            self._saved = self._last_saved()  # the run may be deleted before anything else changes in it
        self.folder = folder
        self.changed.emit()
        self.look()

    @Slot()
    def look(self) -> None:
        """Lists the checkpoints again."""
        if self.run is not None:
            self._runs.run_long(partial(_list, self.run), self._on_listed)

    @property
    def index(self) -> int:
        """Of the model in use among them; -1 where it is not."""
        return next((place for place, one in enumerate(self.found) if one.path == self.folder), -1)

    def _on_listed(self, listed: tuple[Path, tuple[CheckpointInfo, ...]]) -> None:
        run, found = listed
        if run == self.run and (found != self.found or not self.listed):
            self.found, self.listed = found, True
            self.changed.emit()

    @Slot()
    def _on_runs_changed(self) -> None:
        if (saved := self._last_saved()) != self._saved:
            self._saved = saved
            self.look()

    def _last_saved(self) -> object:
        """When the run saved its newest checkpoint, as far as it is known; None where there is no such run."""
        entry = self._runs.entry(self.run)
        return entry.state.status.get("checkpoint_time") if entry is not None else None


def _list(run: Path) -> tuple[Path, tuple[CheckpointInfo, ...]]:
    return run, tuple(checkpoints(run))
