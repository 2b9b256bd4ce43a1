"""Follows a training run: always loads its newest checkpoint; text and decoding settings stay as they are."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Slot

from gptdesk.ui.services.services import Services


class CheckpointFollower(QObject):
    """Sets the model in the settings to the newest checkpoint of the run that is followed.

    It waits while anything is being generated, and stops when another model is chosen.

    """

    def __init__(self, services: Services, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self._seen: object = None  # run and time of its newest checkpoint when checkpoints were last listed
        self._waiting: Path | None = None
        self._model = services.settings.value.model
        services.run_monitor.runs_changed.connect(self._look)
        services.settings.changed.connect(self._on_settings_changed)
        services.inference.state_changed.connect(self._load)

    @property
    def run(self) -> Path | None:
        """The folder of the run that is followed."""
        follow = self._services.settings.value.follow
        return Path(follow) if follow else None

    @Slot(object)
    def follow(self, run: Path | None) -> None:
        """Follows the run in that folder from now on; ``None`` follows no run."""
        self._seen = self._waiting = None
        self._services.settings.update(follow=str(run) if run else None)
        self._look()

    @Slot()
    def _look(self) -> None:
        run = self.run
        entry = self._services.run_monitor.entry(run)
        if run is None or entry is None:
            return
        saying = (run, entry.state.status.get("checkpoint_time"))
        if saying != self._seen:
            self._seen = saying
            self._services.run_monitor.run_long(partial(_newest, run), self._on_found)

    @Slot(object)
    def _on_found(self, checkpoint: Path | None) -> None:
        if checkpoint is not None and self.run in checkpoint.parents:
            self._waiting = checkpoint
            self._load()

    @Slot()
    def _load(self) -> None:
        if self._waiting is not None and not self._services.inference.busy:
            checkpoint, self._waiting = self._waiting, None
            self._services.settings.update(model=str(checkpoint))

    @Slot()
    def _on_settings_changed(self) -> None:
        """Stops when another model is chosen, or the next checkpoint would replace it."""
        before, self._model = self._model, self._services.settings.value.model
        run = self.run
        if run is not None and self._model != before and run not in Path(self._model).parents:
            self.follow(None)


def _newest(run: Path) -> Path | None:
    from gptdesk.training.checkpoints import checkpoints

    found = checkpoints(run)
    return found[-1].path if found else None
