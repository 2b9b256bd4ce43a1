"""One completion request: the handle that its owner holds, with signals for its own events only."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from time import perf_counter

import shiboken6
from PySide6.QtCore import QObject, Signal

from gptdesk.gpt2.mixed_text import MixedText
from gptdesk.inference.events import DoneEvent, Event, NoticeEvent, TokenEvent
from gptdesk.inference.interventions.intervention import WHOLE, Intervention
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.ui.services.inference_messages import Failure, GenerateJob, Job, ModelInfo

_numbers = itertools.count(1)


class Generation(QObject):
    """Completes one prompt. Made by `Inference.generate`; no signal is emitted before that call returns.

    A generation waits (`queued`), runs, and ends with exactly one of ``finished`` and ``failed``. It is a child of its
    owner: when the owner is deleted, it is cancelled and tells nobody.

    Attributes:
        number: identifies it.
        prompt: the text to complete.
        settings: may be replaced while the generation is queued; fixed once it has started.
        backend: what decodes, as for `Engine.generate`.
        intervention: what is changed in the model.
        model: the model that generates; ``None`` while queued.
        prepared: of the texts that the change is computed of, the share that was read; ``None`` without such texts, and
            once there are tokens.
        token_count: tokens received so far, of all completions.
        active: False once ``finished`` or ``failed`` was emitted.
        cancelled: whether `cancel` was called.

    Signals:
        started(object): the model begins to work on it; a `ModelInfo`.
        tokens(object): a list of `TokenEvent`, at most 60 times a second.
        notice(str): something to know that stops nothing.
        one_ended(object): a completion ended, after its last token; its `DoneEvent`.
        finished(object): the `DoneEvent` of each completion, a tuple; empty when cancelled before it started.
        failed(object): the `Failure` that ended it. What was received before stays valid.
        cancel_requested(): `cancel` was called; for `Inference`.
    """

    started = Signal(object)
    tokens = Signal(object)
    notice = Signal(str)
    one_ended = Signal(object)
    finished = Signal(object)
    failed = Signal(object)
    cancel_requested = Signal()

    def __init__(
        self,
        prompt: str | MixedText,
        settings: DecodingSettings,
        owner: QObject,
        *,
        backend: str = "",
        intervention: Intervention = WHOLE,
    ) -> None:
        super().__init__(owner)
        self.number = next(_numbers)
        self.prompt = prompt
        self.settings = settings
        self.backend = backend
        self.intervention = intervention
        self.model: ModelInfo | None = None
        self.prepared: float | None = None
        self.token_count = 0
        self.active = True
        self.cancelled = False
        self.job: Job | None = None  # what the worker got; for `Inference`
        self._done: list[DoneEvent] = []
        self._first_token = 0.0  # when it came, by perf_counter

    @property
    def queued(self) -> bool:
        """Whether it waits for a model or for other generations."""
        return self.active and self.model is None

    @property
    def running(self) -> bool:
        """Whether the model works on it; still true between `cancel` and the end."""
        return self.active and self.model is not None

    @property
    def speed(self) -> float:
        """Tokens per second so far; 0 before the second token."""
        seconds = perf_counter() - self._first_token
        return (self.token_count - 1) / seconds if self.token_count > 1 and seconds > 0 else 0.0

    def cancel(self) -> None:
        """Ends it: at once when queued, otherwise after the token that is being computed."""
        if self.active and not self.cancelled:
            self.cancelled = True
            if self.job is not None:
                self.job.cancel()
            self.cancel_requested.emit()

    def cancel_one(self, index: int) -> None:
        """Ends one of its completions, after the token that is being computed; before it runs, nothing."""
        if isinstance(self.job, GenerateJob):
            self.job.cancel_one(index)

    # For `Inference`

    def start(self, model: ModelInfo) -> Job:
        """Marks it as started and returns what the worker has to do."""
        self.model = model
        self.job = GenerateJob(self.prompt, self.settings, self.backend, self.intervention)
        if shiboken6.isValid(self):
            self.started.emit(model)
        return self.job

    def receive(self, events: Iterable[Event]) -> None:
        """Passes a batch of events on to the owner."""
        if not shiboken6.isValid(self):
            return
        batch: list[TokenEvent] = []
        done: list[DoneEvent] = []
        for event in events:
            if isinstance(event, TokenEvent):
                batch.append(event)
            elif isinstance(event, NoticeEvent):
                self.notice.emit(event.message)
            else:
                done.append(event)
        if batch:
            if not self.token_count:
                self._first_token = perf_counter()
            self.token_count += len(batch)
            self.prepared = None
            self.tokens.emit(batch)
        self._done += done
        for one in done:
            if shiboken6.isValid(self):  # a slot may have deleted it
                self.one_ended.emit(one)

    def end(self, failure: Failure | None = None) -> None:
        """Tells the owner that it is over. A failure without a sentence is a cancellation."""
        self.active = False
        if not shiboken6.isValid(self):
            return
        if failure is not None and failure.sentence:
            self.failed.emit(failure)
        else:
            self.finished.emit(tuple(self._done))
        self.setParent(None)  # from now on it lives as long as somebody refers to it
