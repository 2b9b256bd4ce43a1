"""Counts tokens in a thread of its own, so that a million characters do not hold up a keystroke."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from gptdesk.ui.services.worker_thread import WorkerThread

_WAIT: Final = 0.12
"""Seconds between two counts at least."""

_IDLE_SHARE: Final = 5
"""After a count that took t seconds the computer has this times t for other things, the model among them."""


@dataclass(frozen=True)
class Counts:
    """Tokens of a text and of the part that was the prompt of its last generation."""

    prompt: int
    context: int


class _Worker(QObject):
    counted = Signal(int, object, float)

    @Slot(int, str, int)
    def count(self, number: int, text: str, prompt_end: int) -> None:
        from gptdesk.gpt2.tokenizer import gpt2_tokenizer

        encode = gpt2_tokenizer().encode  # what is made but once is not part of what a count costs
        began = perf_counter()
        context = len(encode(text))
        prompt = context if prompt_end == len(text) else len(encode(text[:prompt_end]))
        self.counted.emit(number, Counts(prompt, context), perf_counter() - began)


class TokenCounter(QObject):
    """Keeps the counts of the newest text.

    Signals:
        counted(object): `Counts` of the newest text.
    """

    counted = Signal(object)

    _count = Signal(int, str, int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._wanted: tuple[str, int] | None = None
        self._busy = False
        self._document = 0  # grows with each that is opened
        self._wait = _WAIT
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._next)
        self._worker = _Worker()
        self._thread = WorkerThread(self._worker, "token counter", self)
        self._count.connect(self._worker.count)
        self._worker.counted.connect(self._on_counted)

    def start(self) -> None:
        self._thread.start()

    def count(self, text: str, prompt_end: int) -> None:
        """Counts soon; of several texts in a row only the last.

        Args:
            text: all of it.
            prompt_end: characters of it that were the prompt.
        """
        self._wanted = (text, prompt_end)
        if not self._timer.isActive():
            self._timer.start(round(1000 * self._wait))

    def forget(self) -> None:
        """Another document is at hand: no count of the one before is told any more."""
        self._document += 1
        self._wanted = None

    def shut_down(self, milliseconds: int) -> bool:
        self._timer.stop()
        return self._thread.end(milliseconds)

    @Slot()
    def _next(self) -> None:
        if self._wanted and not self._busy:
            self._busy = True
            text, prompt_end = self._wanted
            self._wanted = None
            self._count.emit(self._document, text, prompt_end)

    @Slot(int, object, float)
    def _on_counted(self, document: int, counts: Counts, took: float) -> None:
        self._busy = False
        self._wait = max(_WAIT, _IDLE_SHARE * took)
        if document == self._document:
            self.counted.emit(counts)
        if self._wanted:
            self._timer.start(round(1000 * self._wait))
