"""Qt front end of the inference worker: the model's state, and a queue of generations, each with its owner."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from gptdesk.errors import UserError
from gptdesk.gpt2.mixed_text import MixedText
from gptdesk.inference.events import Event, precision_label
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.ui.services.background import WorkerThread
from gptdesk.ui.services.generation import Generation
from gptdesk.ui.services.inference_messages import NO_MODEL, Failure, LoadJob, ModelInfo, State
from gptdesk.ui.services.inference_worker import InferenceWorker
from gptdesk.ui.services.provenance.weights_hasher import WeightsHasher
from gptdesk.ui.services.reading.background_reads import BackgroundReads
from gptdesk.ui.throttle import Throttle

log = logging.getLogger(__name__)

_FRAME: Final = 1 / 60
"""Seconds between two batches of tokens: 60 Hz, what a screen shows."""

_IDLE_SHARE: Final = 4
"""After a batch that took t seconds the GUI thread is free for at least this times t."""


class Inference(QObject):
    """Loads one model at a time and completes one prompt at a time; never blocks.

    Generations are served first come, first served, whoever asks. They wait while a model is being loaded. Loading a
    model cancels the generation that runs and keeps those that wait: they get the new model. Where loading fails and
    nothing else is being loaded, or the model is unloaded, those that wait fail.

    Args:
        find: returns the folder of a model by its name; raises `UserError` when there is none. Called in the worker.
        keep: folder for quantized copies of models; ``None`` keeps none.

    Attributes:
        info: the model that is loaded, if any.
        missing_devices: devices that are not there, by name, each with the reason; empty until torch is imported.
        current: the generation that runs, if any.
        reads: texts that are read while the model has nothing else to do.

    Signals:
        state_changed(): emitted when `state`, `info`, `current` or `queued` changes.
        progress(object, object): bytes read, bytes in all.
        load_failed(object): a `Failure`; its sentence is empty when loading was cancelled.
    """

    state_changed = Signal()
    progress = Signal(object, object)
    load_failed = Signal(object)

    _load = Signal(object)
    _generate = Signal(object)
    _read = Signal(object)
    _warm_up = Signal()
    _unload = Signal()

    def __init__(self, find: Callable[[str], Path], parent: QObject | None = None, *, keep: Path | None = None) -> None:
        super().__init__(parent)
        self._keep = keep
        self.info: ModelInfo | None = None
        self.missing_devices: Mapping[str, str] = {}
        self._find = find
        self._loading: LoadJob | None = None
        self.current: Generation | None = None
        self._queue: deque[Generation] = deque()
        self._next_batch = 0.0  # when it may be handed on, by perf_counter
        self.reads = BackgroundReads(self._read.emit, lambda: self.state is State.READY and not self._queue, self)
        self._batches = Throttle(self._hand_on, round(1000 * _FRAME), self)

        self._worker = InferenceWorker()
        self._thread = WorkerThread(self._worker, "inference", self)
        self._load.connect(self._worker.load)
        self._generate.connect(self._worker.generate)
        self._read.connect(self._worker.read)
        self._warm_up.connect(self._worker.warm_up)
        self._unload.connect(self._worker.unload)
        self._worker.available.connect(self._on_available)
        self._worker.progress.connect(self._on_progress)
        self._worker.loaded.connect(self._on_loaded)
        self._worker.changed.connect(self._on_changed)
        self._worker.devices_known.connect(self._on_devices_known)
        self._worker.result.connect(self.reads.on_result)
        self._worker.ended.connect(self._on_ended)
        self._hasher = WeightsHasher(self)
        self._hasher.hashed.connect(self._on_hashed)

    @property
    def state(self) -> State:
        if self.current:
            return State.STOPPING if self.current.cancelled else State.GENERATING
        if self._loading:
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
        return self._loading.model if self._loading else None

    def start(self) -> None:
        """Begins to import what models need, in the background."""
        self._thread.start()
        self._warm_up.emit()

    def load(self, model: str, *, device: str, precision: str, threads: int = 0) -> None:
        """Loads the model of that name or in that folder."""
        self.reads.drop()
        self._put_back()
        if self._loading:
            self._loading.cancel()
        self.info = None
        self._loading = LoadJob(model, self._find, device, precision, threads, self._keep)
        self._load.emit(self._loading)
        if self.current:
            self.current.cancel()
        self.state_changed.emit()

    def cancel_load(self) -> None:
        if self._loading:
            self._loading.cancel()

    def unload(self) -> None:
        """Frees the model's memory, after the token that is being computed."""
        self.reads.drop()
        self._put_back()
        self.cancel_load()
        self._loading = self.info = None  # what is still being read counts no more
        self._unload.emit()
        if self.current:
            self.current.cancel()
        self.state_changed.emit()
        self._fail_queue()

    def generate(
        self, prompt: str | MixedText, settings: DecodingSettings, *, owner: QObject, backend: str = ""
    ) -> Generation:
        """Asks for a completion of ``prompt`` by the model that is loaded or being loaded, behind those that wait.

        Args:
            prompt: text to complete, with special tokens or without.
            settings: how to choose tokens and when to stop.
            owner: parent of the generation; deleting it cancels the generation.
            backend: as for `Engine.generate`.

        Raises:
            UserError: there is no model, and none is being loaded.
        """
        if self._loading is None and self.info is None:
            raise UserError(NO_MODEL)
        generation = Generation(prompt, settings, owner, backend=backend)
        generation.cancel_requested.connect(partial(self._on_cancel, generation.number))
        generation.destroyed.connect(partial(self._on_destroyed, generation.number))
        self._queue.append(generation)
        self._take_next()
        self.state_changed.emit()
        return generation

    def shut_down(self, milliseconds: int) -> bool:
        """Cancels everything and waits for the thread; returns whether it ended in time."""
        self.reads.drop()
        self.cancel_load()
        for generation in (*self._queue, self.current):
            if generation:
                generation.cancel()
        hashed = self._hasher.shut_down(milliseconds)
        return self._thread.end(milliseconds) and hashed

    # The queue

    def _take_next(self) -> None:
        """Makes the first that waits the current one, if the model is free."""
        if self._queue and self.current is None and self._loading is None and self.info is not None:
            self.current = self._queue.popleft()
            self.reads.give_way(self.current.prompt)
            QTimer.singleShot(0, self, self._start_current)  # its owner may have to connect to it yet

    def _put_back(self) -> None:
        """The model changes: what has not started yet waits again."""
        if self.current and self.current.job is None:
            self._queue.appendleft(self.current)
            self.current = None

    @Slot()
    def _start_current(self) -> None:
        if self.current and self.current.job is None and self.info is not None:
            self._generate.emit(self.current.start(self.info))
            self.state_changed.emit()

    def _end_current(self, failure: Failure | None = None) -> None:
        generation, self.current = self.current, None
        if generation:
            generation.end(failure)
        self.state_changed.emit()
        self._on_free()

    def _on_free(self) -> None:
        """The model has nothing to do: the next one's turn, if there is a model."""
        if self.state is State.EMPTY:
            self._fail_queue()
        elif self._queue:
            self._take_next()
            if self.current:
                self.state_changed.emit()
        self.reads.begin()

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
                self._end_current()
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
                self._end_current()
            else:
                self.current.cancelled = True
                self.current.job.cancel()

    # What the worker says

    @Slot()
    def _on_available(self) -> None:
        self._batches.request(max(0, round(1000 * (self._next_batch - perf_counter()))))

    @Slot()
    def _hand_on(self) -> None:
        batch: list[Event] = []
        job = self.current.job if self.current else None
        while self._worker.events:
            number, event = self._worker.events.popleft()
            if job and number == job.number:
                batch.append(event)
        if batch and self.current:
            began = perf_counter()
            self.current.receive(batch)
            took = perf_counter() - began
            self._next_batch = perf_counter() + max(_FRAME - took, _IDLE_SHARE * took)

    @Slot(int, object, object)
    def _on_progress(self, number: int, done: int, total: int) -> None:
        if self._loading and number == self._loading.number:
            self.progress.emit(done, total)

    @Slot(int, object)
    def _on_loaded(self, number: int, info: ModelInfo) -> None:
        if self._loading and number == self._loading.number:
            self.info = info
            if info.folder is not None:
                self._hasher.hash(info.folder)

    @Slot(object)
    def _on_changed(self, info: ModelInfo) -> None:
        if self.info and self.info.model == info.model:  # else it was unloaded meanwhile
            self.info = replace(info, weights=self.info.weights)
            self.state_changed.emit()

    @Slot(object, str)
    def _on_hashed(self, folder: Path, weights: str) -> None:
        if self.info and self.info.folder == folder:
            self.info = replace(self.info, weights=weights)
            if not self._loading:  # else loading would seem to begin once more; its end is told of anyway
                self.state_changed.emit()

    @Slot(object)
    def _on_devices_known(self, missing: Mapping[str, str]) -> None:
        self.missing_devices = missing

    @Slot(int, object)
    def _on_ended(self, number: int, failure: Failure | None) -> None:
        if self.reads.on_ended(number, failure):
            return
        if self.current and self.current.job and number == self.current.job.number:
            self._batches.cancel()
            self._hand_on()
            self._end_current(failure)
        elif self._loading and number == self._loading.number:
            self._loading = None
            if self.info:
                precision = precision_label(self.info.precision, self.info.backend)
                log.info("%s is ready, %s on %s", self.info.model, precision, self.info.device)
            self.state_changed.emit()
            if failure:
                self.load_failed.emit(failure)
            self._on_free()
