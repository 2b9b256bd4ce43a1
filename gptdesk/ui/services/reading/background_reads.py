"""Queue of the texts that the model reads while it has nothing else to do; everything else goes first."""

from __future__ import annotations

import logging
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal, Slot

from gptdesk.gpt2.mixed_text import MixedText
from gptdesk.ui.services.inference_messages import Failure
from gptdesk.ui.services.reading.jobs import (
    BackgroundJob,
    EndingsJob,
    FoundContinuations,
    InspectedToken,
    InspectJob,
    ReadJob,
    ScoredEndings,
    ScoredText,
    SearchJob,
    SuggestedTokens,
    SuggestJob,
)
from gptdesk.ui.services.reading.look_jobs import Looked, LookJob

log = logging.getLogger(__name__)


class BackgroundReads(QObject):
    """Reads the newest text, inspects a token, scores endings, searches continuations; part of `Inference`.

    A request replaces the one with its key before it. One that gave way to a generation is done again after it.

    Args:
        begin: hands a job to the worker.
        is_free: returns whether the model has nothing else to do.

    Signals:
        read(object): emitted when this text is in the model's cache, so that a completion of it begins at once.
        scored(object): emitted with a `ScoredText`, several times for a long text; the last time every score is known.
        inspected(object): emitted with the `InspectedToken` that was asked for.
        endings_scored(object): emitted with the `ScoredEndings` that were asked for.
        continuations_found(object): emitted with `FoundContinuations`, each time one more is found, and at the end.
        suggested(object): emitted with the `SuggestedTokens` that were asked for.
        looked(object): emitted with a `Looked`, several times where parts of an answer are known before the rest.
        failed(object): emitted with the `Failure` of a request.
    """

    read = Signal(object)
    scored = Signal(object)
    inspected = Signal(object)
    endings_scored = Signal(object)
    continuations_found = Signal(object)
    suggested = Signal(object)
    looked = Signal(object)
    failed = Signal(object)

    def __init__(
        self, begin: Callable[[BackgroundJob], object], is_free: Callable[[], bool], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._begin, self._is_free = begin, is_free
        self._waiting: dict[tuple[object, ...], BackgroundJob] = {}  # by key
        self._running: BackgroundJob | None = None

    @property
    def busy(self) -> bool:
        """Whether a text is being read."""
        return self._running is not None

    # For pages

    def read_text(self, text: str | MixedText, *, scored: bool = False, near: int = 0) -> None:
        """Reads ``text`` as soon as the model is free.

        Args:
            text: all of it, as the prompt of a completion.
            scored: whether its tokens are scored, too.
            near: index of a character around which a text longer than the context is scored first.
        """
        self._ask(ReadJob(text, scored, near))

    def inspect(self, job: InspectJob) -> None:
        """Inspects the choice of a token."""
        self._ask(job)

    def score_endings(self, job: EndingsJob) -> None:
        """Scores endings of a prompt."""
        self._ask(job)

    def search(self, job: SearchJob) -> None:
        """Searches for the most probable continuations of a prompt; ends a search that is running."""
        self.cancel(SearchJob)
        self._ask(job)

    def suggest(self, job: SuggestJob) -> None:
        """Finds tokens that could follow a text; ends a search for others."""
        self.cancel(SuggestJob)
        self._ask(job)

    def look(self, job: LookJob) -> None:
        """Looks into the model; gives way to every other request, and is done again after it."""
        self._ask(job)

    def cancel(self, kind: type[BackgroundJob]) -> None:
        """Ends the jobs of that class."""
        self._waiting = {key: job for key, job in self._waiting.items() if not isinstance(job, kind)}
        if isinstance(self._running, kind):
            self._running.cancel()

    def keep_to(self, characters: int) -> None:
        """A person has changed the text behind so many characters: what is read of it from there on is given up."""
        self._waiting.clear()
        if self._running is not None:
            self._running.limit_to(characters)

    def drop(self) -> None:
        """Ends everything."""
        self._waiting.clear()
        if self._running is not None:
            self._running.cancel()

    # For `Inference`

    def give_way(self, prompt: str | MixedText) -> None:
        """A completion of ``prompt`` comes first; the chunk that is being read is finished where that needs it."""
        job = self._running
        if job is None or job.cancelled:
            return
        if isinstance(job, ReadJob) and _mixed(job.text) == _mixed(prompt):
            job.finish_chunk()
        else:
            job.cancel()
        self._waiting.setdefault(job.key, job.again())

    def begin(self) -> None:
        """Begins what waits, if the model is free; looks into it come last."""
        if self._running is None and self._waiting and self._is_free():
            first = (key for key, job in self._waiting.items() if not isinstance(job, LookJob))
            key = next(first, next(iter(self._waiting)))
            self._running = self._waiting.pop(key)
            self._begin(self._running)

    def on_ended(self, number: int, failure: Failure | None) -> bool:
        """A job has ended; returns whether it was one of these."""
        if self._running is None or self._running.number != number:
            return False
        self._running = None
        if failure is not None and failure.sentence:
            log.info("a text cannot be read in the background: %s", failure.sentence)
            self.failed.emit(failure)
        self.begin()
        return True

    @Slot(int, object)
    def on_result(self, number: int, result: object) -> None:
        """Passes a result on, unless the job was cancelled meanwhile."""
        if self._running is None or self._running.number != number or self._running.cancelled:
            return
        if isinstance(result, ScoredText):
            self.scored.emit(result)
        elif isinstance(result, InspectedToken):
            self.inspected.emit(result)
        elif isinstance(result, ScoredEndings):
            self.endings_scored.emit(result)
        elif isinstance(result, FoundContinuations):
            self.continuations_found.emit(result)
        elif isinstance(result, SuggestedTokens):
            self.suggested.emit(result)
        elif isinstance(result, Looked):
            self.looked.emit(result)
        else:
            self.read.emit(result)

    def _ask(self, job: BackgroundJob) -> None:
        self._waiting[job.key] = job
        running = self._running
        if isinstance(running, LookJob) and not running.cancelled:
            running.cancel()
            if running.key != job.key:
                self._waiting.setdefault(running.key, running.again())
        elif running is not None and running.key == job.key:
            running.finish_chunk()
        self.begin()


def _mixed(text: str | MixedText) -> MixedText:
    return text if isinstance(text, MixedText) else MixedText(text)
