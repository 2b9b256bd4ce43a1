"""Worker of the inference thread: loads models and generates. Imports torch for a GPU, or where Numba is missing."""

from __future__ import annotations

import logging
import threading
import traceback
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace
from PySide6.QtCore import QObject, QTimer, Signal, Slot

from gptdesk.devices import computes_on_cpu, runtime_of, set_thread_environment
from gptdesk.errors import UserError
from gptdesk.folders import keep_compiled_code
from gptdesk.gpt2.interrupted import Interrupted
from gptdesk.inference.events import Event
from gptdesk.library.catalogue import BUNDLED
from gptdesk.system_memory import return_freed_memory
from gptdesk.ui.services.inference_messages import NO_MODEL, Failure, GenerateJob, Job, LoadJob, ModelInfo
from gptdesk.ui.services.loan import LoanJob
from gptdesk.ui.services.reading.jobs import BackgroundJob, EndingsJob, InspectJob, ReadJob, SearchJob, SuggestJob
from gptdesk.ui.services.reading.look_jobs import LookJob
from gptdesk.ui.services.reading.look_work import Looker
from gptdesk.ui.services.reading.work import inspect_token, read_text, score_endings_of, search_continuations, suggest

if TYPE_CHECKING:
    from gptdesk.inference.engine import Engine
    from gptdesk.inference.interventions.changed_engines import ChangedEngines
    from gptdesk.inference.reader import TextReader

log = logging.getLogger(__name__)

_LOOK_MS: Final = 500
"""Between two checks whether the decoder is compiled."""

_CARD: Final = threading.Lock()
"""Held by the worker that computes on a GPU: no other thread may allocate its memory while a CUDA graph is captured."""

_ASK_SECONDS: Final = 0.1
"""Between two checks whether a job that waits for the GPU was cancelled."""

_PROGRESS_SECONDS: Final = 0.05
"""Between two reports of how much of a model has been read: the window paints each of them at once."""


class _Cancelled(Exception):
    """The job was cancelled before it began, or while a model was loaded or changed."""


def warm_up() -> None:
    """Imports the engine before anybody needs it."""
    set_thread_environment()
    keep_compiled_code()
    import gptdesk.inference.reader  # noqa: F401 (and with it the engine)


class InferenceWorker(QObject):
    """Owns one engine, and does one job at a time, first come, first served.

    Attributes:
        events: events of generations that the GUI thread has not taken yet, each with its job's number.

    Signals:
        available(): ``events`` is no longer empty.
        progress(int, object, object): job; of a model that is loaded, bytes read and bytes in all; of a model that is
            changed, blocks that have read a text, and those in all.
        loaded(int, object): job, `ModelInfo`.
        changed(object): `ModelInfo`; the decoder was compiled meanwhile, or could not be.
        result(int, object): background job, what it found: a text that was read, `ScoredText`, `InspectedToken`,
            `ScoredEndings`, `FoundContinuations`, `SuggestedTokens`, `Looked`.
        ended(int, object): job, a `Failure` or ``None``; the last signal about every job.
    """

    available = Signal()
    progress = Signal(int, object, object)
    loaded = Signal(int, object)
    changed = Signal(object)
    result = Signal(int, object)
    ended = Signal(int, object)

    def __init__(self) -> None:
        super().__init__()
        self.events: deque[tuple[int, Event]] = deque()
        self._engine: Engine | None = None
        self._changed: ChangedEngines | None = None
        self._reader: TextReader | None = None
        self._looker: Looker | None = None
        self._told: ModelInfo | None = None
        self._compiling = QTimer(self)  # moves to the worker's thread with it
        self._compiling.setInterval(_LOOK_MS)
        self._compiling.timeout.connect(self._tell_changes)

    @Slot(object)
    def load(self, job: LoadJob) -> None:
        """Loads the model."""
        self._run(job, self._load)

    @Slot(object)
    def generate(self, job: GenerateJob | LoanJob) -> None:
        """Generates, or lends the engine to another thread."""
        self._run(job, self._lend if isinstance(job, LoanJob) else self._generate)

    @Slot(object)
    def read(self, job: BackgroundJob) -> None:
        """Does a job that gives way to all others."""
        self._run(job, self._read)

    @Slot()
    def close(self) -> None:
        """Returns the model's memory to the system and ends the thread. Parts of the engine are in no cycles;
        collecting here would destroy QObjects here.
        """
        self._engine = self._changed = self._reader = self._looker = self._told = None
        return_freed_memory()
        self._compiling.stop()
        self.thread().quit()

    def _run(self, job: Job, work: object) -> None:
        failure: Failure | None = None
        try:
            with self._processor(job):
                work(job)  # type: ignore[operator]
        except _Cancelled:
            failure = Failure()
        except UserError as error:
            failure = Failure(str(error))
        except MemoryError:
            failure = Failure("The computer's memory is full; close other programs, or choose a smaller model.")
        except Exception as error:
            log.exception("job %d failed", job.number)
            failure = Failure(f"{type(error).__name__}: {error}", traceback.format_exc())
        self.ended.emit(job.number, failure)

    @contextmanager
    def _processor(self, job: Job) -> Iterator[None]:
        """Waits until no other engine computes on a GPU, where this one does.

        Raises:
            _Cancelled: the job was cancelled meanwhile, or before.
        """
        on_cpu = computes_on_cpu(job.device) if isinstance(job, LoadJob) else _on_cpu(self._engine)
        if job.cancelled:
            raise _Cancelled
        if on_cpu:
            yield
            return
        while not _CARD.acquire(timeout=_ASK_SECONDS):
            if job.cancelled:
                raise _Cancelled
        try:
            yield
        finally:
            _CARD.release()

    def _load(self, job: LoadJob) -> None:
        warm_up()
        from gptdesk.inference.engine import Engine
        from gptdesk.inference.interventions.changed_engines import ChangedEngines
        from gptdesk.inference.reader import TextReader

        told = perf_counter()

        def progress(done: int, total: int) -> None:
            nonlocal told
            if job.cancelled:
                raise _Cancelled
            if (now := perf_counter()) - told >= _PROGRESS_SECONDS:
                told = now
                self.progress.emit(job.number, done, total)

        folder = job.find(job.model)
        progress(0, 1)
        try:
            self._engine = Engine.load(
                folder,
                device=job.device,
                precision=job.precision,
                threads=job.threads or None,
                keep=job.keep,
                progress=progress,
            )
        except OSError as error:  # its folder went away while it was read
            raise UserError(f"{folder} cannot be read ({error.strerror or error}).") from error
        self._changed = ChangedEngines(self._engine)
        self._reader = TextReader(self._engine)
        self._looker = Looker(self._engine)
        self._told = _describe(job.model, folder, self._engine)
        return_freed_memory()  # of conversions
        self.loaded.emit(job.number, self._told)
        if self._told.compiling:
            self._compiling.start()

    def _generate(self, job: GenerateJob) -> None:
        if self._changed is None:
            raise UserError(NO_MODEL)
        try:
            engine = self._changed.get(
                job.intervention,
                interrupted=lambda: job.cancelled,
                progress=partial(self.progress.emit, job.number),
            )
        except Interrupted:
            raise _Cancelled from None
        events = engine.generate(
            job.prompt,
            job.settings,
            backend=job.backend,
            cancelled=lambda: job.cancelled,
            cancelled_one=job.cancelled_one,
        )
        for event in events:
            self.events.append((job.number, event))
            if len(self.events) == 1:
                self.available.emit()
        self._tell_changes()

    def _lend(self, job: LoanJob) -> None:
        if self._engine is None:
            raise UserError(NO_MODEL)
        job.lend(self._engine)
        self._tell_changes()

    def _read(self, job: BackgroundJob) -> None:
        if self._engine is None or self._reader is None or self._looker is None:
            return
        report = partial(self.result.emit, job.number)
        if isinstance(job, ReadJob):
            read_text(job, self._engine, self._reader, report)
        elif isinstance(job, InspectJob):
            inspect_token(job, self._engine, self._reader, report)
        elif isinstance(job, EndingsJob):
            score_endings_of(job, self._engine, report)
        elif isinstance(job, SearchJob):
            search_continuations(job, self._engine, report)
        elif isinstance(job, SuggestJob):
            suggest(job, self._engine, report)
        elif isinstance(job, LookJob):
            self._looker.look(job, report)

    @Slot()
    def _tell_changes(self) -> None:
        """Reports when the compiled decoder is ready, or cannot be compiled."""
        if self._engine is None or self._told is None:
            return
        now = replace(self._told, backend=self._engine.backend, compiling=self._engine.is_compiling)
        if now != self._told:
            self._told = now
            self.changed.emit(now)
        if not now.compiling:
            self._compiling.stop()


def _on_cpu(engine: Engine | None) -> bool:
    return engine is None or engine.device == "cpu"


def _describe(model: str, folder: Path, engine: Engine) -> ModelInfo:
    return ModelInfo(
        model=model,
        name=engine.name,
        parameters=engine.config.num_parameters(),
        context=engine.config.n_positions,
        shape=(engine.config.n_layer, engine.config.n_head),
        device=engine.device,
        precision=engine.precision,
        backend=engine.backend,
        memory=engine.memory,
        tokenizer=engine.tokenizer,
        assumed_tokenizer=engine.assumed_tokenizer and model != BUNDLED,
        compiling=engine.is_compiling,
        folder=folder,
        runtime=runtime_of(engine.device, engine.network.backend),
    )
