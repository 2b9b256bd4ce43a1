"""What a comparison found: a cell for each prompt and column, and why a column has none. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gptdesk.compare.columns import Column
from gptdesk.compare.text_figures import distinct, repetition
from gptdesk.gpt2.tokenizer import Tokenizer
from gptdesk.inference.events import Alternative, FinishReason


@dataclass(frozen=True, eq=False)
class SharedReading:
    """How a column read the text that all columns read: the prompt and the completion of the first column.

    Attributes:
        ids: (T) int64, its tokens.
        ends: (T) int64, bytes of UTF-8 up to the end of each.
        logprobs: (T) float64, natural logarithm of their probabilities; NaN for the first.
        kl: (T) float64, KL(P || Q) in nats of the distributions from which each token would be chosen, P the first
            column's and Q this column's; NaN for the first token. ``None`` where the vocabularies differ, for the first
            column, and where the first column's distributions were not kept.
    """

    ids: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    logprobs: npt.NDArray[np.float64]
    kl: npt.NDArray[np.float64] | None = None

    @property
    def mean_kl(self) -> float | None:
        """Nats per token."""
        return None if self.kl is None or len(self.kl) < 2 else float(self.kl[1:].mean())

    def surprisal_change(self, reference: SharedReading) -> npt.NDArray[np.float64] | None:
        """How many bits more each token surprises than it did ``reference``, (T); ``None`` for other tokens."""
        if not np.array_equal(self.ids, reference.ids):
            return None
        return (reference.logprobs - self.logprobs) / math.log(2)

    def bits_per_byte(self, other: SharedReading) -> float | None:
        """Bits per byte behind the first place where a token of both ends, so that both count the same bytes.

        ``None`` where there is no such place before the end of the text. Both are predicted from the same bytes there,
        and -log2 p of the tokens behind it add up to that of the bytes (chain rule).
        """
        common = np.intersect1d(self.ends, other.ends)
        if not len(self.ends) or not len(common) or common[0] >= self.ends[-1]:
            return None
        counted = self.ends > common[0]
        return -float(self.logprobs[counted].sum()) / math.log(2) / float(self.ends[-1] - common[0])


@dataclass(frozen=True, eq=False)
class Cell:
    """What one column made of one prompt.

    Attributes:
        text: the completion.
        ids: (T) int64, the tokens that were chosen.
        starts, ends: (T) int64, their characters in the completion; those of a stop string reach behind its end.
        logprobs: (T) float64, as in `TokenEvent`.
        entropies: (T) float64, as in `TokenEvent`.
        top_ids: (T + 1, k) int32, the most likely tokens at each, the most likely first. The last row is that of the
            token that ended the text; -1 where the completion ended otherwise.
        top_logprobs: (T + 1, k) float32, their log-probabilities.
        finish_reason: why it ended.
        seed: of its random numbers.
        tokens_per_s: as in `DoneEvent`.
        backend: as in `DoneEvent`.
        precision: of the weights.
        shared: how the column read the shared text; ``None`` where it was not asked.
    """

    text: str
    ids: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    logprobs: npt.NDArray[np.float64]
    entropies: npt.NDArray[np.float64]
    top_ids: npt.NDArray[np.int32]
    top_logprobs: npt.NDArray[np.float32]
    finish_reason: FinishReason
    seed: int
    tokens_per_s: float
    backend: str
    precision: str
    shared: SharedReading | None = None

    @property
    def logprob(self) -> float:
        """Of all tokens that were chosen, in nats."""
        return float(self.logprobs.sum())

    @property
    def figures(self) -> dict[str, float | int | str | None]:
        """The figures of the completion by their names in tables and exports."""
        count = len(self.ids)
        return {
            "tokens": count,
            "characters": len(self.text),
            "tokens_per_s": self.tokens_per_s,
            "logprob": self.logprob,
            "logprob_per_token": self.logprob / count if count else None,
            "distinct_1": distinct(self.text, 1),
            "distinct_2": distinct(self.text, 2),
            "repetition": repetition(self.text),
            "finish_reason": self.finish_reason,
        }


class Parting(NamedTuple):
    """The first place where two completions part.

    Attributes:
        character: place in both texts.
        first, second: index of the token there in each; the number of its tokens where it has ended.
    """

    character: int
    first: int
    second: int


def parting(first: Cell, second: Cell, *, same_vocabulary: bool) -> Parting | None:
    """Where two completions of a prompt part; ``None`` where they are the same.

    With one vocabulary it is the first other token, and both distributions there follow the same tokens. With two it is
    the first other character, and the token of each that has it, which need not begin there.
    """
    if same_vocabulary:
        at = _common(first.ids, second.ids)
        if at == len(first.ids) == len(second.ids):
            return None
        return Parting(int(first.starts[at]) if at < len(first.ids) else len(first.text), at, at)
    at = _common(first.text, second.text)
    if at == len(first.text) == len(second.text):
        return None
    return Parting(at, _token_at(first, at), _token_at(second, at))


def _common(first: Sequence[object] | npt.NDArray[np.int64], second: Sequence[object] | npt.NDArray[np.int64]) -> int:
    """How many elements both begin with."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(first), len(second)))


def _token_at(cell: Cell, character: int) -> int:
    if character >= len(cell.text):
        return len(cell.ids)
    return int(np.searchsorted(cell.ends, character, side="right"))


@dataclass
class Results:
    """What a comparison has found so far.

    Attributes:
        columns: of the comparison.
        prompts: of the comparison.
        cells: by index of prompt and column; those that are computed.
        failures: by index of a column: one sentence on why it has no further cells.
        notices: sentences for the person, each once.
        tokenizers: by index of a column; of those that were loaded.
    """

    columns: tuple[Column, ...]
    prompts: tuple[str, ...]
    cells: dict[tuple[int, int], Cell] = field(default_factory=dict)
    failures: dict[int, str] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    tokenizers: dict[int, Tokenizer] = field(default_factory=dict)

    def row(self, prompt: int) -> dict[int, Cell]:
        """The cells of a prompt by column."""
        columns = range(len(self.columns))
        return {column: self.cells[prompt, column] for column in columns if (prompt, column) in self.cells}

    def is_whole(self, prompt: int) -> bool:
        """Whether every column that did not fail has completed a prompt, and at least one has."""
        missing = set(range(len(self.columns))) - set(self.row(prompt))
        return missing <= set(self.failures) and len(missing) < len(self.columns)

    def reference(self, prompt: int) -> int | None:
        """The column whose completion all columns read: the first one that has a cell."""
        return next(iter(self.row(prompt)), None)

    def shared_text(self, prompt: int) -> str | None:
        """The prompt and the completion that all columns read; ``None`` before there is one."""
        reference = self.reference(prompt)
        return None if reference is None else self.prompts[prompt] + self.cells[prompt, reference].text

    def same_vocabulary(self, first: int, second: int) -> bool:
        """Whether two columns that were loaded give every text the same tokens."""
        return self.tokenizers[first].sha256 == self.tokenizers[second].sha256

    def parting(self, prompt: int, first: int, second: int) -> Parting | None:
        """Where the completions of two columns that have a cell part; ``None`` where they are the same."""
        cells = self.cells[prompt, first], self.cells[prompt, second]
        return parting(*cells, same_vocabulary=self.same_vocabulary(first, second))

    def top(self, prompt: int, column: int, index: int) -> tuple[Alternative, ...]:
        """The most likely tokens at a token of a cell or, behind the last one, at its end; none where the completion
        ended by its length or a stop string.
        """
        cell, tokenizer = self.cells[prompt, column], self.tokenizers[column]
        pairs = zip(cell.top_ids[index].tolist(), cell.top_logprobs[index].tolist(), strict=True)
        return tuple(Alternative(id, tokenizer.piece(id), logprob) for id, logprob in pairs if id >= 0)
