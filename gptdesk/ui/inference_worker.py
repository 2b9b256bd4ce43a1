"""The side of inference that has a thread of its own: the only place of the window that imports torch."""

from __future__ import annotations

import gc
import logging
import traceback
from collections import deque
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from gptdesk.folders import Folders, keep_compiled_code
from gptdesk.gpt2.devices import set_thread_environment
from gptdesk.gpt2.errors import UserError
from gptdesk.gpt2.events import Event
from gptdesk.ui.jobs import Failure, GenerateJob, Job, LoadJob, ModelInfo

if TYPE_CHECKING:
    from gptdesk.gpt2.engine import Engine

log = logging.getLogger(__name__)


class _Cancelled(Exception):
    """The person does not want the model any more."""


class InferenceWorker(QObject):
    """Does one job at a time, in the order in which they come.

    Attributes:
        events: what generations have yielded and the window has not taken yet, each with its job's number.

    Signals:
        available(): ``events`` was empty and is no more.
        progress(int, object, object): job, bytes read, bytes in all.
        loaded(int, object): job, `ModelInfo`.
        changed(object): `ModelInfo`; the model writes otherwise than was told: code for it was compiled meanwhile.
        ended(int, object): job, a `Failure` or ``None``; the last news of every job.
    """

    available = Signal()
    progress = Signal(int, object, object)
    loaded = Signal(int, object)
    changed = Signal(object)
    ended = Signal(int, object)

    def __init__(self) -> None:
        super().__init__()
        self.events: deque[tuple[int, Event]] = deque()
        self._engine: Engine | None = None
        self._told: ModelInfo | None = None

    @Slot()
    def warm_up(self) -> None:
        """Imports what takes long while nobody waits for it yet."""
        set_thread_environment()
        keep_compiled_code()
        import gptdesk.gpt2.engine  # noqa: F401

    @Slot(object)
    def load(self, job: LoadJob) -> None:
        """Reads a model; the former one gives its memory back first."""
        self._run(job, self._load)

    @Slot(object)
    def generate(self, job: GenerateJob) -> None:
        self._run(job, self._generate)

    @Slot()
    def unload(self) -> None:
        """Gives the model's memory back."""
        self._engine = None
        gc.collect()

    def _run(self, job: Job, work: object) -> None:
        failure: Failure | None = None
        try:
            if not job.cancelled:
                work(job)  # type: ignore[operator]
            else:
                failure = Failure()
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

    def _load(self, job: LoadJob) -> None:
        self.unload()
        self.warm_up()
        from gptdesk.gpt2.engine import Engine

        def progress(done: int, total: int) -> None:
            if job.cancelled:
                raise _Cancelled
            self.progress.emit(job.number, done, total)

        folder = job.find(job.model)
        progress(0, 1)
        self._engine = Engine.load(
            folder,
            device=job.device,
            precision=job.precision,
            threads=job.threads or None,
            keep=Folders.of_this_user().quantized,
            progress=progress,
        )
        self._told = _describe(job.model, self._engine)
        self.loaded.emit(job.number, self._told)

    def _generate(self, job: GenerateJob) -> None:
        if self._engine is None:
            raise UserError("There is no model to write with; choose one at the top of the window.")
        for event in self._engine.generate(job.prompt, job.settings, cancelled=lambda: job.cancelled):
            self.events.append((job.number, event))
            if len(self.events) == 1:
                self.available.emit()
        assert self._told is not None
        if self._engine.precision != self._told.precision:
            self._told = _describe(self._told.model, self._engine)
            self.changed.emit(self._told)


def _describe(model: str, engine: Engine) -> ModelInfo:
    return ModelInfo(
        model=model,
        name=engine.name,
        parameters=engine.config.num_parameters(),
        context=engine.config.n_positions,
        device=engine.device,
        precision=engine.precision,
        memory=engine.memory,
    )
