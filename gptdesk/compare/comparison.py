"""Runs a comparison: each column completes each prompt, and reads what the first column wrote. Imports no torch."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from gptdesk.compare.columns import Column, Weights
from gptdesk.compare.completing import Cancelled, complete
from gptdesk.compare.engines import ColumnEngine, InUse, Load, one_after_the_other, room_for_own, wait_for_decoder
from gptdesk.compare.prompt_text import Prompt, continued, encode, spelled
from gptdesk.compare.results import Cell, Results
from gptdesk.compare.shared_text import KeptLogits, free_for_logits, read_shared
from gptdesk.errors import UserError
from gptdesk.inference.events import NoticeEvent, TokenEvent
from gptdesk.inference.sampling.settings import FRESH_SEEDS, completion_seed

if TYPE_CHECKING:
    from gptdesk.inference.engine import Engine

_NO_ROOM: Final = (
    "There is no room for the distributions of all texts, so the divergence of some of them is not computed: compare "
    "fewer prompts at once, or free space for temporary files."
)


_TAKEN_AWAY: Final = "The model was unloaded while it was compared."
_NO_MEMORY: Final = "Memory is full: compare fewer models at once, shorter prompts, or models in int8."


@dataclass(frozen=True)
class Loading:
    """A column's model is being loaded: bytes read, and in all."""

    column: int
    read: int
    total: int


@dataclass(frozen=True)
class Waiting:
    """The code that decodes a column is being compiled."""

    column: int


@dataclass(frozen=True)
class Token:
    """A column chose a token of its completion of a prompt."""

    prompt: int
    column: int
    token: TokenEvent


@dataclass(frozen=True)
class CellReady:
    """A column has completed a prompt; the results have the cell."""

    prompt: int
    column: int
    cell: Cell


@dataclass(frozen=True)
class ColumnFailed:
    """A column has no further cells, as the results say, too."""

    column: int
    message: str


@dataclass(frozen=True)
class Notice:
    """A sentence for the person; the comparison continues."""

    message: str


Event = Loading | Waiting | Token | CellReady | ColumnFailed | Notice


class Comparison:
    """One comparison of two to four columns.

    All columns have the same seed for a prompt, and so the same random numbers: the i-th token of each is drawn with
    the i-th number, at the place of the cumulated probabilities that it names (common random numbers; Law 2015,
    "Simulation Modeling and Analysis", section 11.2). A column where XTC is on takes two numbers for each token, one
    whose temperature is 0 none: the columns' numbers are then not the same ones.

    Args:
        columns: of the comparison.
        prompts: at least one; prompt i has the seed ``seed + i``.
        seed: not given: a random one.
        special: whether the names of special tokens in prompts mean those.
        shared: whether the columns also read the prompt and the first column's completion.
        load: loads a column's engine.
        room: returns the bytes that engines may take together; ``None`` for no limit.

    Attributes:
        results: what was found so far, whatever happens.
        seed: of the first prompt.
        why_in_turn: why columns are computed one after the other; empty where each prompt is completed by all columns
            before the next one.
    """

    def __init__(
        self,
        columns: tuple[Column, ...],
        prompts: Sequence[Prompt],
        *,
        seed: int | None = None,
        special: bool = False,
        shared: bool = True,
        load: Load,
        room: Callable[[], int | None] = room_for_own,
    ) -> None:
        self._prompts = tuple(prompts)
        self.results = Results(columns, tuple(map(spelled, prompts)))
        self.seed = secrets.randbelow(FRESH_SEEDS) if seed is None else seed
        self.why_in_turn = one_after_the_other(columns, room())
        self._special, self._shared, self._load = special, shared, load
        self._engines: dict[Weights, ColumnEngine] = {}
        self._kept: dict[int, KeptLogits] = {}
        self._room = 0

    def run(self, cancelled: Callable[[], bool] = lambda: False) -> Iterator[Event]:
        """Computes all cells; ends early when ``cancelled`` returns True, which is asked before every token.

        A column whose model cannot be loaded or fails loses its further cells, and no others.
        """
        columns, prompts = range(len(self.results.columns)), range(len(self.results.prompts))
        self._room = free_for_logits()
        try:
            if self.why_in_turn:
                yield from self._note(self.why_in_turn)
                for column in columns:
                    for prompt in prompts:
                        yield from self._cell(prompt, column, cancelled)
                    self._unload(column)
            else:
                for prompt in prompts:
                    for column in columns:
                        yield from self._cell(prompt, column, cancelled)
                    self._forget(prompt)
        except Cancelled:
            return
        finally:
            for weights in list(self._engines):
                self._close(weights)
            for prompt in list(self._kept):
                self._forget(prompt)

    def _cell(self, prompt: int, column: int, cancelled: Callable[[], bool]) -> Iterator[Event]:
        if cancelled():
            raise Cancelled
        if column in self.results.failures:
            return
        try:
            yield from self._ready(column, cancelled)
            with self._engines[self.results.columns[column].weights].use(cancelled) as used:
                cell = yield from self._complete(prompt, column, used)
        except Cancelled:
            if cancelled():
                raise
            yield self._fail(column, _TAKEN_AWAY)
            return
        except UserError as error:
            yield self._fail(column, str(error))
            return
        except MemoryError:
            yield self._fail(column, _NO_MEMORY)
            return
        self.results.cells[prompt, column] = cell
        yield CellReady(prompt, column, cell)

    def _complete(self, prompt: int, column: int, used: InUse) -> Generator[Event, None, Cell]:
        """Completes a prompt and returns the cell."""
        self.results.tokenizers[column] = used.engine.tokenizer
        own = self.results.columns[column].settings
        settings = replace(own, n=1, seed=completion_seed(self.seed, prompt), top_logprobs=10)
        cell = None
        text, stopped = self._prompts[prompt], used.stopped
        for event in complete(used.engine, text, settings, special=self._special, cancelled=stopped):
            if isinstance(event, NoticeEvent):
                yield from self._note(f"{self.results.columns[column].label}: {event.message}")
            elif isinstance(event, TokenEvent):
                yield Token(prompt, column, event)
            else:
                cell = event
        assert cell is not None
        return (yield from self._with_shared(prompt, column, cell, used)) if self._shared else cell

    def _ready(self, column: int, cancelled: Callable[[], bool]) -> Iterator[Event]:
        """Loads the engine of a column, unless one with the same weights is loaded."""
        wanted = self.results.columns[column]
        if wanted.weights in self._engines:
            return
        yield Loading(column, 0, 0)
        self._engines[wanted.weights] = held = self._load(wanted, lambda read, total: _raise_if(cancelled))
        with held.use(cancelled) as used:
            decoder = used.engine.decoder if used.engine.is_compiling else None
        if decoder is not None:  # nobody else has to wait for it
            yield Waiting(column)
            wait_for_decoder(decoder, cancelled)

    def _unload(self, column: int) -> None:
        """Lets go of a column's engine, unless the next column has the same weights."""
        columns = self.results.columns
        if all(one.weights != columns[column].weights for one in columns[column + 1 : column + 2]):
            self._close(columns[column].weights)

    def _close(self, weights: Weights) -> None:
        if (engine := self._engines.pop(weights, None)) is not None:
            engine.close()

    def _with_shared(self, prompt: int, column: int, cell: Cell, used: InUse) -> Generator[Event, None, Cell]:
        """Reads the shared text and returns the cell with that; the first cell of a prompt is what the others read."""
        engine, reference = used.engine, self.results.reference(prompt)
        keep = None
        written = cell if reference is None else self.results.cells[prompt, reference]
        text = continued(self._prompts[prompt], written.text)
        if reference is None and self._is_awaited(column):
            keep = yield from self._place_for(text, engine)
        shared = read_shared(
            engine, text, special=self._special, kept=self._kept.get(prompt), keep=keep, interrupted=used.stopped
        )
        if shared is None:
            raise Cancelled
        if keep is not None:
            if keep.failed:
                yield from self._note(_NO_ROOM)
            self._kept[prompt] = keep
        return replace(cell, shared=shared)

    def _is_awaited(self, column: int) -> bool:
        """Whether a later column may compare its distributions with those of this one."""
        later = range(column + 1, len(self.results.columns))
        return any(other not in self.results.failures for other in later)

    def _place_for(self, text: Prompt, engine: Engine) -> Generator[Event, None, KeptLogits | None]:
        """A file for the distributions of a text; ``None``, with a notice, where there is no room."""
        ids = encode(engine.tokenizer, text, special=self._special)
        taken = sum(kept.bytes for kept in self._kept.values())
        if taken + KeptLogits.size(engine, ids) <= self._room:
            return KeptLogits(engine, ids)
        yield from self._note(_NO_ROOM)
        return None

    def _fail(self, column: int, message: str) -> ColumnFailed:
        self.results.failures[column] = message
        weights, columns = self.results.columns[column].weights, self.results.columns
        if not any(one.weights == weights and place not in self.results.failures for place, one in enumerate(columns)):
            self._close(weights)
        return ColumnFailed(column, message)

    def _note(self, message: str) -> Iterator[Event]:
        if message not in self.results.notices:
            self.results.notices.append(message)
            yield Notice(message)

    def _forget(self, prompt: int) -> None:
        """Removes the kept distributions of a prompt's text."""
        if kept := self._kept.pop(prompt, None):
            kept.close()


def _raise_if(cancelled: Callable[[], bool]) -> None:
    if cancelled():
        raise Cancelled
