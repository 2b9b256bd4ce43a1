"""Changes the model in use: warns if it does not fit into memory, and applies the model's defaults."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from gptdesk.inference.sampling.presets import apply_preset
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.library.catalogue import BUNDLED
from gptdesk.library.entry import LibraryEntry
from gptdesk.system_memory import free_memory
from gptdesk.ui.model_names import setting_of, title_of
from gptdesk.ui.services.engines.session import EngineSession
from gptdesk.ui.services.inference_messages import State
from gptdesk.ui.services.models.memory_check import Room
from gptdesk.ui.services.models.model_library import ModelLibrary
from gptdesk.ui.services.models.model_loader import ModelLoader
from gptdesk.ui.services.settings_service import SettingsService
from gptdesk.ui.widgets.question import Answer, Question

_SLOW: Final = "The computer may become very slow, or the system may end gptdesk."


class InUse(msgspec.Struct, frozen=True):
    """The model in use.

    Attributes:
        model: its name or folder, as in the settings.
        state: of inference.
        share: loaded share, 0 to 1, while it loads.
        memory: bytes of its weights, once they are loaded.
    """

    model: str
    state: State
    share: float = 0.0
    memory: int = 0


class ModelActivation(QObject):
    """Changes the model in the settings, which `ModelLoader` loads.

    Attributes:
        question: the last one asked, if any.

    Signals:
        changed(): emitted when the model in use or its loaded share changes.
        chosen(): the user has decided, and the settings are changed.
    """

    changed = Signal()
    chosen = Signal()

    def __init__(
        self,
        settings: SettingsService,
        inference: EngineSession,
        models: ModelLibrary,
        loader: ModelLoader,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._settings, self._inference, self._models, self._loader = settings, inference, models, loader
        self._share = 0.0
        self.question: Question | None = None
        inference.state_changed.connect(self._on_state_changed)
        inference.progress.connect(self._on_progress)
        settings.changed.connect(self.changed)

    @property
    def now(self) -> InUse:
        """The model in use."""
        info = self._inference.info
        model = self._inference.loading or (info.model if info else self._settings.value.model)
        return InUse(model, self._inference.state, self._share, info.memory if info else 0)

    def room(self, free: int | None) -> Room:
        """Memory available to another model when ``free`` bytes are free: those that are not pinned give way."""
        info = self._inference.info
        if free is None or (info is not None and info.device != "cpu"):
            return Room(None)  # a card's memory is not the computer's
        engines = self._inference.engines
        room = free + engines.evictable
        if not engines.setting:
            return Room(room)
        pinned = sum(engine.memory for engine in engines.engines if engine.pinned)
        return Room(min(room, max(0, engines.setting - pinned)), limited=True)

    def entry(self, model: str) -> LibraryEntry | None:
        """The model of that name or folder in the library, if it is there."""
        return next((entry for entry in self._models.entries if setting_of(entry) == model), None)

    def use(self, model: str, window: QWidget) -> None:
        """Uses the model of that name, or in that folder; asks first, over ``window``, if memory is short."""
        entry = self.entry(model)
        precision = self._precision(entry)
        room = self.room(free_memory())
        warning = room.warning(entry.config, precision) if entry else ""
        if not warning or entry is None:
            self._choose(model, entry, precision)
            return
        answers: list[Answer] = []
        if not room.limited:  # else it would be refused
            answers.append(("Load anyway", lambda: self._choose(model, entry, precision)))
        if name := room.proposal(entry.config, precision):
            answers.append((f"Load in {name}", lambda: self._choose(model, entry, name)))
        self.question = Question(
            f"{title_of(entry)} does not fit into memory",
            warning if room.limited else f"{warning} {_SLOW}",
            answers,
            parent=window,
        )
        self.question.open()

    def cancel(self) -> None:
        """Cancels loading."""
        self._inference.cancel_load()

    def unload(self) -> None:
        """Frees the memory of the model."""
        self._inference.unload()

    def _precision(self, entry: LibraryEntry | None) -> str:
        """Precision to load a model in: its default, else the setting, unless that is the default of the last model."""
        wanted, value = (entry.defaults.precision if entry else "auto"), self._settings.value
        if wanted != "auto":
            return wanted
        before = self.entry(value.model)
        taken_over = before is not None and before.defaults.precision == value.precision != "auto"
        return "auto" if taken_over else value.precision

    def _choose(self, model: str, entry: LibraryEntry | None, precision: str) -> None:
        value = self._settings.value
        same = model == value.model and precision == value.precision
        recent = value.recent_models
        if model != BUNDLED:
            recent = (model, *(other for other in recent if other != model))
        changes: dict[str, Any] = {"model": model, "recent_models": recent, "precision": precision}
        if entry is not None and entry.defaults.decoding:
            changes["decoding"] = apply_preset(DecodingSettings.from_json(entry.defaults.decoding), value.decoding)
        self._settings.update(**changes)
        if same and self._inference.state is State.EMPTY:
            self._loader.load()
        self.chosen.emit()

    def _on_state_changed(self) -> None:
        if self._inference.state is not State.LOADING:
            self._share = 0.0
        self.changed.emit()

    def _on_progress(self, done: int, total: int) -> None:
        self._share = done / total if total else 0.0
        self.changed.emit()
