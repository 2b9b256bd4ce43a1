"""Qt front end of one engine: its thread, its loading, and turns for the sessions that use it."""

from __future__ import annotations

import itertools
import logging
from collections import deque
from pathlib import Path
from time import perf_counter
from typing import Final, Protocol

from msgspec.structs import replace
from PySide6.QtCore import QObject, QTimer, Signal, Slot

from gptdesk.inference.events import Event, precision_label
from gptdesk.ui.services.background import WorkerThread
from gptdesk.ui.services.engines.budget import Taken
from gptdesk.ui.services.engines.plan import Plan
from gptdesk.ui.services.engines.service import EngineView
from gptdesk.ui.services.generation import Generation
from gptdesk.ui.services.inference_messages import Failure, LoadJob, ModelInfo
from gptdesk.ui.services.inference_worker import InferenceWorker
from gptdesk.ui.services.reading.background_reads import BackgroundReads
from gptdesk.ui.services.reading.jobs import BackgroundJob
from gptdesk.ui.throttle import Throttle

log = logging.getLogger(__name__)

_FRAME: Final = 1 / 60
"""Seconds between two batches of tokens: 60 Hz, what a screen shows."""

_IDLE_SHARE: Final = 4
"""After a batch that took t seconds the GUI thread is free for at least this times t."""

_uses = itertools.count(1)


class EngineClient(Protocol):
    """Who uses an engine; implemented by `EngineSession`."""

    reads: BackgroundReads

    @property
    def queued(self) -> int:
        """Number of generations that wait."""

    def take_turn(self) -> Generation:
        """Its next generation, which begins when the GUI thread is free."""

    def on_turn_ended(self, failure: Failure | None) -> None:
        """Its generation has ended, or was taken back."""

    def on_info_changed(self) -> None:
        """The engine's `ModelInfo` has changed."""

    def on_lost(self, *, reload: bool) -> None:
        """The engine is unloaded.

        Args:
            reload: whether for another one, so that it is loaded again when it is needed; else the person wants it.
        """


class EngineHost(QObject):
    """One engine, in a thread of its own. One generation at a time; its clients take turns, whoever asked first.

    Attributes:
        plan: what is loaded.
        info: about the engine; ``None`` until it is loaded.
        clients: that use it, the one that had a turn last at the end.
        used: counts up with each use of any engine.
        closing: whether it is being unloaded.

    Signals:
        progress(object, object, object): this host, bytes read, bytes in all.
        load_ended(object, object): this host, and a `Failure` or ``None``.
        turn_begins(object): the prompt of a generation that begins.
        free(): a generation has ended, and nobody waits for another one.
        closed(object): this host; the memory is freed and the thread has ended.
    """

    progress = Signal(object, object, object)
    load_ended = Signal(object, object)
    turn_begins = Signal(object)
    free = Signal()
    closed = Signal(object)

    _load = Signal(object)
    _generate = Signal(object)
    _read = Signal(object)
    _close = Signal()

    def __init__(self, plan: Plan, keep: Path | None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.plan = plan
        self.info: ModelInfo | None = None
        self.clients: list[EngineClient] = []
        self.used = next(_uses)
        self.closing = False
        choice, folder = plan.choice, plan.key.folder
        self._job = LoadJob(choice.model, lambda _: folder, choice.device, choice.precision, choice.threads, keep)
        self._loading: ModelInfo | None = None  # known shortly before loading has ended
        self._client: EngineClient | None = None  # whose turn it is
        self._generation: Generation | None = None
        self._readers: dict[int, EngineClient] = {}  # by the number of the background job
        self._next_batch = 0.0  # when it may be handed on, by perf_counter
        self._batches = Throttle(self._hand_on, round(1000 * _FRAME), self)
        self.worker = worker = InferenceWorker()
        self._thread = WorkerThread(worker, "inference", self)
        self._load.connect(worker.load)
        self._generate.connect(worker.generate)
        self._read.connect(worker.read)
        self._close.connect(worker.close)
        worker.available.connect(self._on_available)
        worker.progress.connect(self._on_progress)
        worker.loaded.connect(self._on_loaded)
        worker.changed.connect(self._on_changed)
        worker.result.connect(self._on_result)
        worker.ended.connect(self._on_ended)
        self._thread.finished.connect(self._on_thread_ended)

    @property
    def generating(self) -> bool:
        """Whether a generation runs."""
        return self._generation is not None

    @property
    def idle(self) -> bool:
        """Whether it is loaded, nobody generates with it, and nobody waits to."""
        waits = any(client.queued for client in self.clients)
        return self.info is not None and not (self.generating or waits or self.closing)

    @property
    def names(self) -> set[str]:
        """What the model is called: name and folder."""
        return {self.plan.choice.model, str(self.plan.key.folder)}

    def view(self, pinned: bool) -> EngineView:
        """What pages know of it once it is loaded."""
        assert self.info is not None, "it is loaded"
        return EngineView(
            model=self.plan.choice.model,
            folder=self.plan.key.folder,
            device=self.info.device,
            precision=self.info.precision,
            memory=self.plan.need or self.info.memory,
            pinned=pinned,
            generating=self.generating,
        )

    def taken(self, pinned: bool) -> Taken:
        """The memory that it takes."""
        return Taken(
            key=self.plan.key,
            memory=self.plan.need,
            loaded=self.info.memory if self.info is not None else 0,
            used=self.used,
            busy=not self.idle,
            pinned=pinned,
            leaving=self.closing,
        )

    def load(self) -> None:
        """Begins to load the engine."""
        self._thread.start()
        self._load.emit(self._job)

    def cancel_load(self) -> None:
        """Ends loading with an empty `Failure`."""
        self._job.cancel()

    def close(self) -> None:
        """Frees the memory, after the token that is being computed, and ends the thread."""
        if self.closing:
            return
        self.closing = True
        self._job.cancel()
        if self._generation is not None:
            self._generation.cancel()
        self._close.emit()

    def end(self, milliseconds: int) -> bool:
        """Cancels everything and waits for the thread; returns whether it ended in time."""
        self._job.cancel()
        if self._generation is not None and self._generation.job is not None:
            self._generation.job.cancel()
        return self._thread.end(milliseconds)

    def set_weights(self, weights: str) -> None:
        """Notes the hash of the weights."""
        if self.info is not None:
            self._tell(replace(self.info, weights=weights))

    # Clients

    def add(self, client: EngineClient) -> None:
        """Lets a client use the engine."""
        self.used = next(_uses)
        self.clients.append(client)

    def remove(self, client: EngineClient) -> None:
        """A client is gone; its generation, if it runs, is for the client to cancel."""
        if client in self.clients:
            self.clients.remove(client)

    def forget(self, client: EngineClient) -> None:
        """A client was deleted: its generation is cancelled."""
        self.remove(client)
        self._readers = {number: reader for number, reader in self._readers.items() if reader is not client}
        if self._client is client and self._generation is not None:
            generation, self._client = self._generation, None
            if generation.job is not None:
                generation.job.cancel()
            else:
                self._generation = None
                generation.end()

    def read(self, job: BackgroundJob, client: EngineClient) -> None:
        """Does a job that gives way to all others; its results go to ``client.reads``."""
        self._readers[job.number] = client
        self._read.emit(job)

    def offer_turn(self) -> None:
        """Gives the next client that waits its turn, if the engine is free."""
        if self.info is None or self.generating or self.closing:
            return
        client = next((client for client in self.clients if client.queued), None)
        if client is None:
            return
        self.clients.remove(client)
        self.clients.append(client)
        self.used = next(_uses)
        self._client, self._generation = client, client.take_turn()
        self.turn_begins.emit(self._generation.prompt)
        QTimer.singleShot(0, self, self._start)  # its owner may have to connect to it yet

    def take_back(self, client: EngineClient) -> None:
        """Ends the turn of a client whose generation has not started yet."""
        if self._client is client and self._generation is not None and self._generation.job is None:
            self._client = self._generation = None

    def go_on(self) -> None:
        """The engine has nothing to do: the next turn, if anybody waits."""
        self.offer_turn()
        if not self.generating:
            self.free.emit()

    @Slot()
    def _start(self) -> None:
        generation = self._generation
        if generation is not None and generation.job is None and self.info is not None and self._client is not None:
            self._generate.emit(generation.start(self.info))
            self._client.on_info_changed()

    # What the worker says

    @Slot()
    def _on_thread_ended(self) -> None:
        self.closed.emit(self)

    @Slot()
    def _on_available(self) -> None:
        self._batches.request(max(0, round(1000 * (self._next_batch - perf_counter()))))

    @Slot()
    def _hand_on(self) -> None:
        batch: list[Event] = []
        events: deque[tuple[int, Event]] = self.worker.events
        job = self._generation.job if self._generation else None
        while events:
            number, event = events.popleft()
            if job and number == job.number:
                batch.append(event)
        if batch and self._generation:
            began = perf_counter()
            self._generation.receive(batch)
            took = perf_counter() - began
            self._next_batch = perf_counter() + max(_FRAME - took, _IDLE_SHARE * took)

    @Slot(int, object, object)
    def _on_progress(self, number: int, done: int, total: int) -> None:
        generation = self._generation
        if number == self._job.number:
            self.progress.emit(self, done, total)
        elif generation is not None and generation.job is not None and number == generation.job.number:
            generation.prepared = done / total

    @Slot(int, object)
    def _on_loaded(self, number: int, info: ModelInfo) -> None:
        self._loading = info

    @Slot(object)
    def _on_changed(self, info: ModelInfo) -> None:
        if self.info is not None:
            self._tell(replace(info, weights=self.info.weights))
        else:
            self._loading = info

    def _tell(self, info: ModelInfo) -> None:
        self.info = info
        for client in tuple(self.clients):
            client.on_info_changed()

    @Slot(int, object)
    def _on_result(self, number: int, result: object) -> None:
        if number in self._readers:
            self._readers[number].reads.on_result(number, result)

    @Slot(int, object)
    def _on_ended(self, number: int, failure: Failure | None) -> None:
        if (reader := self._readers.pop(number, None)) is not None:
            reader.reads.on_ended(number, failure)
        elif number == self._job.number:
            if failure is None and (info := self._loading) is not None and not self.closing:
                self.info = info
                precision = precision_label(info.precision, info.backend)
                log.info("%s is ready, %s on %s", info.model, precision, info.device)
            self.load_ended.emit(self, failure)
        elif self._generation is not None and self._generation.job and number == self._generation.job.number:
            self._batches.cancel()
            self._hand_on()
            client, generation = self._client, self._generation
            self._client = self._generation = None
            if client is not None:
                client.on_turn_ended(failure)
            else:
                generation.end(failure)
            self.go_on()
