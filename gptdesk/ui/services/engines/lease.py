"""A lease on an engine: for a page that wants one model for a while, beside the one that it shows."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from gptdesk.errors import UserError
from gptdesk.gpt2.mixed_text import MixedText
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.ui.services.engines.engine_pool import EnginePool
from gptdesk.ui.services.engines.plan import EngineChoice
from gptdesk.ui.services.engines.session import EngineSession
from gptdesk.ui.services.generation import Generation
from gptdesk.ui.services.inference_messages import ModelInfo, State


class EngineLease(QObject):
    """Holds an engine until it is released, deleted, or lost to another engine that did not fit beside it.

    An engine is lost only while nobody generates with it. One that is refused, lost or released stays so: ask for
    another lease.

    Args:
        engines: that are shared with sessions and other leases.
        choice: the model, and how it is loaded.
        owner: parent; deleting it releases the engine.

    Attributes:
        choice: as given.

    Signals:
        progress(object, object): bytes read, bytes in all.
        loaded(object): the engine is there; its `ModelInfo`.
        refused(object): it cannot be loaded; a `Failure`, whose sentence is empty when the lease was cancelled.
        released(): the engine was there, and is not held any more.
    """

    progress = Signal(object, object)
    loaded = Signal(object)
    refused = Signal(object)
    released = Signal()

    def __init__(self, engines: EnginePool, choice: EngineChoice, owner: QObject) -> None:
        super().__init__(owner)
        self.choice = choice
        self._session = session = EngineSession(engines, self)
        self._held = False
        session.progress.connect(self.progress)
        session.state_changed.connect(self._on_state_changed)
        session.load_failed.connect(self.refused)
        session.load(choice.model, device=choice.device, precision=choice.precision, threads=choice.threads)

    @property
    def info(self) -> ModelInfo | None:
        """The engine's, while it is held."""
        return self._session.info

    @property
    def state(self) -> State:
        """As of a page's session."""
        return self._session.state

    def generate(
        self, prompt: str | MixedText, settings: DecodingSettings, *, owner: QObject, backend: str = ""
    ) -> Generation:
        """As `EngineSession.generate`; waits while the engine is loaded, and for the turns of others.

        Raises:
            UserError: the engine is not held, and is not being loaded.
        """
        if self.state is State.EMPTY:
            raise UserError("The model is not loaded any more; load it again.")
        return self._session.generate(prompt, settings, owner=owner, backend=backend)

    def cancel(self) -> None:
        """Ends loading."""
        self._session.cancel_load()

    def release(self) -> None:
        """Gives up the engine, and ends generations with it; it is unloaded if nobody else uses it."""
        self._session.release()

    def _on_state_changed(self) -> None:
        info = self._session.info
        if info is not None and not self._held:
            self._held = True
            self.loaded.emit(info)
        elif info is None and self._held:
            self._held = False
            self.released.emit()
