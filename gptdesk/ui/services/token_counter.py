"""Counts tokens in a background task, so that a million characters do not delay a key press."""

from __future__ import annotations

from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
from PySide6.QtCore import QObject, Signal, Slot

from gptdesk.gpt2.mixed_text import MixedText, encode_mixed
from gptdesk.ui.services.background import TaskQueue
from gptdesk.ui.services.reading.context_start import ContextStart
from gptdesk.ui.throttle import Throttle

if TYPE_CHECKING:
    from gptdesk.gpt2.tokenizer import Tokenizer

_WAIT: Final = 0.12
"""Seconds between two counts at least."""

_IDLE_SHARE: Final = 5
"""After a count of t seconds, the next one starts at least this times t later, to leave the CPU to the model."""


class Counts(msgspec.Struct, frozen=True):
    """Figures of a text.

    Attributes:
        prompt: tokens of the part that was the prompt of its last generation.
        context: tokens of all of it.
        start: index of the first character that the model reads to continue it; 0 where it reads all of it.
    """

    prompt: int
    context: int
    start: int = 0


class _Text(NamedTuple):
    """A text to count; ``place`` is where it would be continued."""

    text: MixedText
    prompt_end: int
    place: int | None


def _count(tokenizer: Tokenizer, n_positions: int, starts: ContextStart, wanted: _Text) -> tuple[Counts, float]:
    """Returns the counts and the seconds that they took."""
    began = perf_counter()
    text, prompt_end, place = wanted
    context = read = len(encode_mixed(tokenizer, text))
    prompt = context if prompt_end == len(text) else len(encode_mixed(tokenizer, text[:prompt_end]))
    start = 0
    if 0 < n_positions < context:
        if place is not None:
            text = text[:place]
            read = len(encode_mixed(tokenizer, text))
        start = starts.find(tokenizer, text, read, n_positions)
    return Counts(prompt, context, start), perf_counter() - began


class TokenCounter(QObject):
    """Keeps the counts of the newest text. Nothing is counted before `use` has named the tokenizer.

    Signals:
        counted(object): `Counts` of the newest text.
    """

    counted = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._wanted: _Text | None = None
        self._latest: _Text | None = None
        self._tokenizer: Tokenizer | None = None  # of the model
        self._n_positions = 0
        self._starts = ContextStart()
        self._busy = False
        self._document = 0  # incremented when another document is opened
        self._wait = _WAIT
        self._throttle = Throttle(self._next, round(1000 * _WAIT), self)
        self._queue = TaskQueue("token counter", self)

    def use(self, tokenizer: Tokenizer, n_positions: int = 0) -> None:
        """Counts for another model, the newest text again.

        Args:
            tokenizer: of the model.
            n_positions: its context length, in tokens; 0 where that is not known.
        """
        known = self._tokenizer.sha256 if self._tokenizer is not None else ""
        if (known, self._n_positions) != (tokenizer.sha256, n_positions):
            self._tokenizer, self._n_positions = tokenizer, n_positions
            if self._latest is not None:
                self.count(*self._latest)

    def count(self, text: str | MixedText, prompt_end: int, place: int | None = None) -> None:
        """Counts soon; of several texts in quick succession only the last.

        Args:
            text: all of it.
            prompt_end: length of its prompt, in characters.
            place: character before which it would be continued; by default the end.
        """
        mixed = text if isinstance(text, MixedText) else MixedText(text)
        self._wanted = self._latest = _Text(mixed, prompt_end, place)
        self._throttle.request(round(1000 * self._wait))

    def forget(self) -> None:
        """Another document was opened: counts of the former one are dropped."""
        self._document += 1
        self._wanted = self._latest = None

    def shut_down(self, milliseconds: int) -> bool:
        """Ends the thread; returns whether it ended in time."""
        self._throttle.cancel()
        return self._queue.shut_down(milliseconds)

    @Slot()
    def _next(self) -> None:
        if self._wanted and self._tokenizer is not None and not self._busy:
            self._busy = True
            wanted, self._wanted = self._wanted, None
            self._queue.run(
                partial(_count, self._tokenizer, self._n_positions, self._starts, wanted),
                partial(self._on_counted, self._document),
            )

    def _on_counted(self, document: int, found: tuple[Counts, float]) -> None:
        counts, took = found
        self._busy = False
        self._wait = max(_WAIT, _IDLE_SHARE * took)
        if document == self._document:
            self.counted.emit(counts)
        if self._wanted:
            self._throttle.request(round(1000 * self._wait))
