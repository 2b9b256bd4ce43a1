"""Follows a training run: always loads its newest checkpoint; text and decoding settings stay as they are."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from PySide6.QtCore import QObject, Slot

from gptdesk.ui.services.inference_messages import State
from gptdesk.ui.services.services import Services

_GONE: Final = "The run that was followed is gone. Its last checkpoint stays until another model is chosen."


class _Found(NamedTuple):
    """What there was of a run: whether it exists, and its newest checkpoint."""

    exists: bool
    checkpoint: Path | None


class CheckpointFollower(QObject):
    """Sets the model in the settings to the newest checkpoint of the run that is followed.

    It waits while anything is being generated, and stops when another model is chosen or the run is deleted.

    Args:
        services: of the page whose model follows.
        parent: the page.
        setting: name of the setting that holds the folder of the run.
    """

    def __init__(self, services: Services, parent: QObject | None = None, setting: str = "follow") -> None:
        super().__init__(parent)
        self._services, self._setting = services, setting
        self._seen: object = None  # the run, and what was known of it when its checkpoints were last listed
        self._waiting: Path | None = None
        self._model = services.settings.value.model
        services.run_monitor.runs_changed.connect(self.look)
        services.settings.changed.connect(self._on_settings_changed)
        services.inference.state_changed.connect(self._load)

    @property
    def run(self) -> Path | None:
        """The folder of the run that is followed."""
        follow: str | None = getattr(self._services.settings.value, self._setting)
        return Path(follow) if follow else None

    def follow(self, run: Path) -> None:
        """Follows the run in that folder from now on, beginning with its newest checkpoint."""
        self._follow(run)
        self._seen = None
        self.look()

    def follow_next(self, run: Path) -> None:
        """Follows the run in that folder from its next checkpoint on."""
        self._follow(run)
        self._seen = self._known(run)

    def stop(self, run: Path) -> None:
        """Stops following the run in that folder; the present checkpoint stays."""
        if run == self.run:
            self._follow(None)

    @Slot()
    def look(self) -> None:
        """Looks for the newest checkpoint, if anything about the run has changed."""
        run = self.run
        if run is not None and (known := self._known(run)) != self._seen:
            self._seen = known
            self._services.run_monitor.run_long(partial(_find, run), partial(self._on_found, run))

    def _follow(self, run: Path | None) -> None:
        self._waiting = None
        self._services.settings.update(**{self._setting: str(run) if run else None})

    def _known(self, run: Path) -> object:
        entry = self._services.run_monitor.entry(run)
        return run, entry and (entry.id, entry.state.status.get("checkpoint_time"))

    def _on_found(self, run: Path, found: _Found) -> None:
        if run != self.run:
            return
        if found.checkpoint is not None:
            self._waiting = found.checkpoint
            self._load()
            return
        if not found.exists:
            self._follow(None)
            self._services.messages.toast(_GONE, kind="info")
        if run in Path(self._model).parents and self._services.inference.state is State.EMPTY:
            self._services.loader.load()  # which says what is missing

    @Slot()
    def _load(self) -> None:
        if self._waiting is not None and not self._services.inference.busy:
            checkpoint, self._waiting = self._waiting, None
            if self.run in checkpoint.parents:
                self._services.settings.update(model=str(checkpoint))

    @Slot()
    def _on_settings_changed(self) -> None:
        """Stops when another model is chosen, or the next checkpoint would replace it."""
        before, self._model = self._model, self._services.settings.value.model
        run = self.run
        if run is not None and self._model != before and run not in Path(self._model).parents:
            self._follow(None)


def _find(run: Path) -> _Found:
    from gptdesk.training.checkpoints import checkpoints

    found = checkpoints(run)
    return _Found(run.is_dir(), found[-1].path if found else None)
