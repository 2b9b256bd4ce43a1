"""The session of a page: its model, and its queue of generations, each with its owner."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import shiboken6
from msgspec.structs import replace
from PySide6.QtCore import QObject, Signal

from gptdesk.errors import UserError
from gptdesk.gpt2.mixed_text import MixedText
from gptdesk.inference.interventions.intervention import WHOLE, Intervention
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.ui.services.engines.engine_host import EngineHost
from gptdesk.ui.services.engines.engine_pool import EnginePool
from gptdesk.ui.services.engines.plan import EngineChoice
from gptdesk.ui.services.engines.request import EngineRequest
from gptdesk.ui.services.generation import Generation
from gptdesk.ui.services.inference_messages import NO_MODEL, Failure, ModelInfo, State
from gptdesk.ui.services.reading.background_reads import BackgroundReads

if TYPE_CHECKING:
    from gptdesk.ui.services.reading.jobs import BackgroundJob

G = TypeVar("G", bound=Generation)


class EngineSession(QObject):
    """Uses one model at a time and completes one prompt at a time; never blocks. Deleting it releases its model.

    Its generations are served first come, first served. They wait while a model is being loaded, and while another
    session generates with the same engine; sessions take turns. Loading a model cancels the generation that runs and
    keeps those that wait: they get the new model. Where loading fails and nothing else is being loaded, or the model is
    unloaded, those that wait fail. A model that was unloaded for another one is loaded again by `wake` and `generate`.

    Args:
        engines: that are shared with other sessions.

    Attributes:
        info: the model that is loaded, if any.
        current: the generation that runs, if any.
        reads: texts that are read while no model generates.

    Signals:
        state_changed(): emitted when `state`, `info`, `current` or `queued` changes.
        progress(object, object): bytes read, bytes in all.
        load_failed(object): a `Failure`; its sentence is empty when loading was cancelled.
    """

    state_changed = Signal()
    progress = Signal(object, object)
    load_failed = Signal(object)

    def __init__(self, engines: EnginePool, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.engines = engines
        self.info: ModelInfo | None = None
        self.current: Generation | None = None
        self.reads = BackgroundReads(self._begin_read, self._may_read, self)
        self._choice: EngineChoice | None = None  # made last
        self._request: EngineRequest | None = None
        self._host: EngineHost | None = None  # of `info`
        self._turn: EngineHost | None = None  # where `current` runs, perhaps the one before
        self._queue: deque[Generation] = deque()
        self._was_lost = False
        engines.join(self)
        self.destroyed.connect(_forgetting(weakref.ref(engines), weakref.ref(self)))

    @property
    def state(self) -> State:
        if self.current:
            return State.STOPPING if self.current.cancelled else State.GENERATING
        if self._request:
            return State.LOADING
        return State.READY if self.info else State.EMPTY

    @property
    def queued(self) -> int:
        """Number of generations that wait for their turn."""
        return len(self._queue)

    @property
    def busy(self) -> bool:
        """Whether a generation runs or waits."""
        return self.current is not None or bool(self._queue)

    @property
    def loading(self) -> str | None:
        """The model that is being loaded, by name or folder."""
        return self._request.choice.model if self._request else None

    @property
    def missing_devices(self) -> Mapping[str, str]:
        """Devices that are not there, by name, each with the reason; empty until torch is imported."""
        return self.engines.missing_devices

    def load(self, model: str, *, device: str, precision: str, threads: int = 0) -> None:
        """Loads the model of that name or in that folder; the former one is released."""
        self._release()
        self._choice = EngineChoice(model, device, precision, threads)
        self._ask()
        if self.current:
            self.current.cancel()
        self.state_changed.emit()

    def cancel_load(self) -> None:
        if self._request:
            self.engines.cancel(self._request)

    def wake(self) -> None:
        """Loads the model again that was unloaded for another one."""
        if self._was_lost and self._request is None:
            self._ask()
            self.state_changed.emit()

    def unload(self) -> None:
        """Unloads the model, after the token that is being computed, whoever else uses it."""
        host = self._host
        self._release()
        if host is not None and host.info is not None:
            self.engines.unload(str(host.plan.key.folder))
        if self.current:
            self.current.cancel()
        self.state_changed.emit()
        self._fail_queue()

    def release(self) -> None:
        """Gives up the model, which stays for others that use it."""
        self._release()
        if self.current:
            self.current.cancel()
        self.state_changed.emit()
        self._fail_queue()

    def generate(
        self,
        prompt: str | MixedText,
        settings: DecodingSettings,
        *,
        owner: QObject,
        backend: str = "",
        intervention: Intervention = WHOLE,
    ) -> Generation:
        """Asks for a completion of ``prompt`` by the model that is loaded or being loaded, behind those that wait.

        Args:
            prompt: text to complete, with special tokens or without.
            settings: how to choose tokens and when to stop.
            owner: parent of the generation; deleting it cancels the generation.
            backend: as for `Engine.generate`.
            intervention: what is changed in the model for it.

        Raises:
            UserError: there is no model, and none is being loaded.
        """
        return self.enqueue(Generation(prompt, settings, owner, backend=backend, intervention=intervention))

    def enqueue(self, generation: G) -> G:
        """Has a generation wait for its turn.

        Raises:
            UserError: there is no model, and none is being loaded.
        """
        self.wake()
        if self._request is None and self.info is None:
            generation.setParent(None)
            raise UserError(NO_MODEL)
        generation.cancel_requested.connect(partial(self._on_cancel, generation.number))
        generation.destroyed.connect(partial(self._on_destroyed, generation.number))
        self._queue.append(generation)
        if self._host is not None:
            self._host.offer_turn()
        self.state_changed.emit()
        return generation

    def cancel_all(self) -> None:
        """Cancels loading and every generation."""
        self.reads.drop()
        self.cancel_load()
        for generation in (*self._queue, self.current):
            if generation:
                generation.cancel()

    # The model

    def _ask(self) -> None:
        assert self._choice is not None, "a model was chosen"
        self._was_lost = False
        self._request = EngineRequest(self._choice, self, self._on_got, self._on_refused, self.progress.emit)
        self.engines.request(self._request)

    def _release(self) -> None:
        """Gives up the engine, or the one that is being loaded; what has not started yet waits again."""
        self.reads.drop()
        self._take_back()
        request, self._request = self._request, None
        host, self._host, self.info = self._host, None, None
        self._was_lost = False
        if request is not None:
            self.engines.drop(request)
        if host is not None:
            self.engines.leave(host, self)

    def _on_got(self, host: EngineHost) -> None:
        self._request, self._host = None, host
        self._show_info()
        self.state_changed.emit()
        self._go_on()

    def _on_refused(self, failure: Failure) -> None:
        self._request = None
        self.state_changed.emit()
        self.load_failed.emit(failure)
        if self.state is State.EMPTY:
            self._fail_queue()

    def _show_info(self) -> None:
        info, choice = self._host.info if self._host is not None else None, self._choice
        # another session may have asked for the same folder by another name
        self.info = replace(info, model=choice.model) if info is not None and choice is not None else None

    # The queue

    def _go_on(self) -> None:
        if self._host is not None:
            self._host.offer_turn()
            if self.current:
                self.state_changed.emit()
        self.reads.begin()

    def _take_back(self) -> None:
        """The model changes: what has not started yet waits again."""
        if self.current and self.current.job is None and self._turn is not None:
            self._turn.take_back(self)
            self._queue.appendleft(self.current)
            self.current = self._turn = None

    def _end_current(self, failure: Failure | None = None) -> None:
        generation, self.current = self.current, None
        self._turn = None
        if generation:
            generation.end(failure)
        self.state_changed.emit()
        if self.state is State.EMPTY:
            self._fail_queue()

    def _end_before_start(self) -> None:
        """The current generation has not started yet, and never will."""
        host = self._turn
        if host is not None:
            host.take_back(self)
        self._end_current()
        if host is not None:
            host.go_on()

    def _fail_queue(self) -> None:
        """Nothing is left that could serve those that wait."""
        waiting, self._queue = self._queue, deque()
        for generation in waiting:
            generation.end(Failure(NO_MODEL))
        if waiting:
            self.state_changed.emit()

    def _on_cancel(self, number: int) -> None:
        if self.current and self.current.number == number:
            if self.current.job is None:
                self._end_before_start()
            else:
                self.state_changed.emit()
        for generation in [each for each in self._queue if each.number == number]:
            self._queue.remove(generation)
            generation.end()
            self.state_changed.emit()

    def _on_destroyed(self, number: int, *_: object) -> None:
        """An owner is gone: nobody wants what it asked for."""
        self._queue = deque(each for each in self._queue if each.number != number)
        if self.current and self.current.number == number:
            if self.current.job is None:
                self._end_before_start()
            else:
                self.current.cancelled = True
                self.current.job.cancel()

    # For `EngineHost`

    def take_turn(self) -> Generation:
        self.current, self._turn = self._queue.popleft(), self._host
        return self.current

    def disown(self) -> list[Generation]:
        """It was deleted: the generation that runs is the engine's to end. Returns those that wait."""
        waiting = list(self._queue)
        self._queue.clear()
        self.current = self._turn = None
        return waiting

    def on_turn_ended(self, failure: Failure | None) -> None:
        self._end_current(failure)

    def on_info_changed(self) -> None:
        self._show_info()
        self.state_changed.emit()

    def on_lost(self, *, reload: bool) -> None:
        self._release()
        self._was_lost = reload
        self.state_changed.emit()
        self._fail_queue()

    # Background reads

    def _begin_read(self, job: BackgroundJob) -> None:
        assert self._host is not None, "a text is read when the model is free"
        self._host.read(job, self)

    def _may_read(self) -> bool:
        free = self._host is not None and self._request is None and not self._queue
        return free and not self.engines.generating


def _forgetting(engines: weakref.ref[EnginePool], session: weakref.ref[EngineSession]) -> Callable[..., None]:
    """A function that keeps neither alive: what is connected to a signal lives as long as its sender."""

    def forget(*_: object) -> None:
        pool, client = engines(), session()
        if pool is not None and client is not None and shiboken6.isValid(pool):
            waiting = client.disown()
            pool.forget(client)
            for generation in waiting:
                generation.end(Failure(NO_MODEL))

    return forget
