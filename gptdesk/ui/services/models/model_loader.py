"""Loads the model of the settings when they change; returns to the last device that worked when one fails."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import QObject, Signal, Slot

from gptdesk.ui.services.engines.session import EngineSession
from gptdesk.ui.services.inference_messages import Failure, State
from gptdesk.ui.services.settings_service import SettingsService


class _Choice(NamedTuple):
    """What decides how a model is loaded; as in `Settings`."""

    model: str
    device: str
    precision: str
    threads: int


class ModelLoader(QObject):
    """Keeps the loaded model the one of the settings.

    Signals:
        failed(object): loading failed, and no model is loaded; a `Failure`.
        fell_back(str): the chosen device or precision cannot be used, and the last one is used again; the sentence
            says why.
    """

    failed = Signal(object)
    fell_back = Signal(str)

    def __init__(self, settings: SettingsService, inference: EngineSession, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings, self._inference = settings, inference
        self._loaded = self._choice()
        self._worked: _Choice | None = None
        settings.changed.connect(self._on_settings_changed)
        inference.state_changed.connect(self._on_state_changed)
        inference.load_failed.connect(self._on_load_failed)

    def start(self) -> None:
        """Loads the model of the settings, unless it is a checkpoint that a run has replaced which is followed."""
        value, model = self._settings.value, Path(self._settings.value.model)
        if value.follow is None or Path(value.follow) not in model.parents or model.is_dir():
            self.load()

    @Slot()
    def load(self) -> None:
        """Loads the model of the settings."""
        self._loaded = choice = self._choice()
        self._inference.load(choice.model, device=choice.device, precision=choice.precision, threads=choice.threads)

    def _choice(self) -> _Choice:
        value = self._settings.value
        return _Choice(value.model, value.device, value.precision, value.threads)

    @Slot()
    def _on_settings_changed(self) -> None:
        if self._choice() != self._loaded:
            self.load()

    @Slot()
    def _on_state_changed(self) -> None:
        if self._inference.state is State.READY:
            self._worked = self._loaded

    @Slot(object)
    def _on_load_failed(self, failure: Failure) -> None:
        worked, wanted = self._worked, self._loaded
        refused = bool(failure.sentence) and not failure.traceback  # neither cancelled nor a mistake of ours
        if refused and worked is not None and worked.model == wanted.model and worked != wanted:
            self._settings.update(device=worked.device, precision=worked.precision, threads=worked.threads)
            self.fell_back.emit(failure.sentence)
        else:
            self.failed.emit(failure)
