"""A loan of an engine: another thread uses the engine itself for a turn, in the place of a generation."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final

import msgspec
from PySide6.QtCore import QObject

from gptdesk.errors import UserError
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.ui.services.generation import Generation
from gptdesk.ui.services.inference_messages import Job, ModelInfo

if TYPE_CHECKING:
    from gptdesk.inference.engine import Engine

_ASK_SECONDS: Final = 0.1
"""Between two checks whether the borrower still wants the engine."""


class LoanJob(Job, frozen=True, kw_only=True):
    """Hands an engine over to another thread, and waits until it is given back.

    When it is cancelled, the borrower is to give the engine back soon.
    """

    _answers: SimpleQueue[Engine | UserError] = msgspec.field(default_factory=SimpleQueue)
    _returned: threading.Event = msgspec.field(default_factory=threading.Event)

    def lend(self, engine: Engine) -> None:
        """Lends the engine, unless nobody wants it any more; for the engine's thread."""
        if not self._returned.is_set():
            self._answers.put(engine)
            self._returned.wait()

    def refuse(self, sentence: str) -> None:
        """Tells the borrower, if it still waits, why there will be no engine."""
        self._answers.put(UserError(sentence))

    @contextmanager
    def borrowed(self, ask: Callable[[], object]) -> Iterator[Engine]:
        """The engine, which nobody else uses meanwhile; for the borrower's thread.

        Args:
            ask: called again and again until the engine is there; what it raises ends the wait.

        Raises:
            UserError: there is no engine.
        """
        try:
            yield self._answer(ask)
        finally:
            self._returned.set()

    def _answer(self, ask: Callable[[], object]) -> Engine:
        while True:
            try:
                answer = self._answers.get(timeout=_ASK_SECONDS)
            except Empty:
                ask()
                continue
            if isinstance(answer, UserError):
                raise answer
            return answer


class Loan(Generation):
    """A turn for a `LoanJob`. ``finished`` is emitted when the engine was given back, or will never be lent.

    Args:
        loan_job: hands the engine over.
        owner: parent.
    """

    def __init__(self, loan_job: LoanJob, owner: QObject) -> None:
        super().__init__("", DecodingSettings(), owner)
        self._loan_job = loan_job

    def start(self, model: ModelInfo) -> Job:
        self.model, self.job = model, self._loan_job
        self.started.emit(model)
        return self.job
