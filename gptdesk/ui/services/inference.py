"""The window's side of inference: the model's state, and its words at a rate that can be painted."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from gptdesk.inference.events import Event
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.ui.services.inference_messages import Failure, GenerateJob, LoadJob, ModelInfo, State
from gptdesk.ui.services.inference_worker import InferenceWorker
from gptdesk.ui.services.worker_thread import WorkerThread

log = logging.getLogger(__name__)

_FRAME: Final = 1 / 60
"""Seconds between two batches of words: what a screen shows."""

_IDLE_SHARE: Final = 4
"""After a batch that took t seconds the window is free for at least this times t."""


class Inference(QObject):
    """Loads one model at a time and completes one prompt at a time; never blocks.

    Loading another model stops what is being written.

    Attributes:
        info: the model that is loaded, if any.
        missing_devices: devices that are not there, by name, each with the reason; empty until torch is imported.

    Signals:
        state_changed(): `state` or `info` is another.
        progress(object, object): bytes read, bytes in all.
        load_failed(object): a `Failure`; its sentence is empty when the person cancelled.
        events_ready(object): a list of events, at most 60 times a second.
        ended(object): the generation is over; a `Failure` or ``None``. All its events have come before.
    """

    state_changed = Signal()
    progress = Signal(object, object)
    load_failed = Signal(object)
    events_ready = Signal(object)
    ended = Signal(object)

    _load = Signal(object)
    _generate = Signal(object)
    _warm_up = Signal()
    _unload = Signal()

    def __init__(self, find: Callable[[str], Path], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.info: ModelInfo | None = None
        self.missing_devices: Mapping[str, str] = {}
        self._find = find
        self._loading: LoadJob | None = None
        self._generating: GenerateJob | None = None
        self._next_batch = 0.0  # when it may be handed on, by perf_counter
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._hand_on)

        self._worker = InferenceWorker()
        self._thread = WorkerThread(self._worker, "inference", self)
        self._load.connect(self._worker.load)
        self._generate.connect(self._worker.generate)
        self._warm_up.connect(self._worker.warm_up)
        self._unload.connect(self._worker.unload)
        self._worker.available.connect(self._on_available)
        self._worker.progress.connect(self._on_progress)
        self._worker.loaded.connect(self._on_loaded)
        self._worker.changed.connect(self._on_changed)
        self._worker.devices_known.connect(self._on_devices_known)
        self._worker.ended.connect(self._on_ended)

    @property
    def state(self) -> State:
        if self._generating:
            return State.STOPPING if self._generating.cancelled else State.GENERATING
        if self._loading:
            return State.LOADING
        return State.READY if self.info else State.EMPTY

    @property
    def busy(self) -> bool:
        """Whether a prompt is being completed."""
        return self._generating is not None

    @property
    def loading(self) -> str | None:
        """The model that is being loaded, by name or folder."""
        return self._loading.model if self._loading else None

    def start(self) -> None:
        """Begins to import what models need, in the background."""
        self._thread.start()
        self._warm_up.emit()

    def load(self, model: str, *, device: str, precision: str, threads: int = 0) -> None:
        """Reads the model of that name or in that folder."""
        if self._generating:
            self._generating.cancel()
        if self._loading:
            self._loading.cancel()
        self.info = None
        self._loading = LoadJob(model, self._find, device, precision, threads)
        self._load.emit(self._loading)
        self.state_changed.emit()

    def cancel_load(self) -> None:
        if self._loading:
            self._loading.cancel()

    def unload(self) -> None:
        """Gives the model's memory back, after the token that is being computed."""
        self.stop()
        self.cancel_load()
        self._loading = self.info = None  # what is still being read counts no more
        self._unload.emit()
        self.state_changed.emit()

    def generate(self, prompt: str, settings: DecodingSettings) -> None:
        """Completes ``prompt`` with the model that is loaded."""
        assert self.state is State.READY, "a model is there and has nothing else to do"
        self._generating = GenerateJob(prompt, settings)
        self._generate.emit(self._generating)
        self.state_changed.emit()

    def stop(self) -> None:
        """Ends the generation after the token that is being computed."""
        if self._generating and not self._generating.cancelled:
            self._generating.cancel()
            self.state_changed.emit()

    def shut_down(self, milliseconds: int) -> bool:
        """Cancels everything and waits for the thread; returns whether it ended in time."""
        for job in (self._loading, self._generating):
            if job:
                job.cancel()
        return self._thread.end(milliseconds)

    @Slot()
    def _on_available(self) -> None:
        if not self._timer.isActive():
            self._timer.start(max(0, round(1000 * (self._next_batch - perf_counter()))))

    @Slot()
    def _hand_on(self) -> None:
        batch: list[Event] = []
        while self._worker.events:
            number, event = self._worker.events.popleft()
            if self._generating and number == self._generating.number:
                batch.append(event)
        if batch:
            began = perf_counter()
            self.events_ready.emit(batch)
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

    @Slot(object)
    def _on_changed(self, info: ModelInfo) -> None:
        if self.info and self.info.model == info.model:  # else it was unloaded meanwhile
            self.info = info
            self.state_changed.emit()

    @Slot(object)
    def _on_devices_known(self, missing: Mapping[str, str]) -> None:
        self.missing_devices = missing

    @Slot(int, object)
    def _on_ended(self, number: int, failure: Failure | None) -> None:
        if self._generating and number == self._generating.number:
            self._timer.stop()
            self._hand_on()
            self._generating = None
            self.ended.emit(failure)
            self.state_changed.emit()
        elif self._loading and number == self._loading.number:
            self._loading = None
            if self.info:
                log.info("%s is ready, %s on %s", self.info.model, self.info.precision, self.info.device)
            self.state_changed.emit()
            if failure:
                self.load_failed.emit(failure)
