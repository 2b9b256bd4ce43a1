"""Finds the most probable continuations of a prompt by best-first search."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from gptdesk.errors import UserError
from gptdesk.gpt2.mixed_text import MixedText
from gptdesk.gpt2.tokenizer import TextStream
from gptdesk.inference.continuations.continuation import Continuation
from gptdesk.inference.continuations.reading import hidden_after
from gptdesk.inference.engine import Engine
from gptdesk.inference.prediction import Prediction
from gptdesk.inference.scoring.windows import half_context, window_start

MOST_STEPS: Final = 2_000
"""Prefixes that one search reads at most: about a minute with 124M parameters on two cores."""


class _Next(NamedTuple):
    """The most probable next tokens, the most probable first: ids, (n), and their log-probabilities, (n)."""

    ids: npt.NDArray[np.int32]
    logprobs: npt.NDArray[np.float32]


@dataclass(order=True)
class _Prefix:
    """The beginning of a continuation in the search; the most probable one is the smallest.

    Attributes:
        cost: minus its log-probability.
        ids, logprobs: of its tokens.
        siblings: next tokens after the prefix without its last token.
        rank: of the last token among those, from 0.
    """

    cost: float
    ids: tuple[int, ...]
    logprobs: tuple[float, ...] = field(compare=False)
    siblings: _Next = field(compare=False)
    rank: int = field(compare=False)

    def sibling(self) -> _Prefix | None:
        """The prefix with the next less probable last token."""
        return _child(self.ids[:-1], self.logprobs[:-1], self.siblings, self.rank + 1)


def probable_continuations(
    engine: Engine,
    prompt: str | MixedText | Sequence[int],
    *,
    count: int,
    length: int,
    most_steps: int = MOST_STEPS,
    interrupted: Callable[[], bool] = lambda: False,
) -> Iterator[Continuation]:
    """Yields the ``count`` most probable continuations of ``length`` tokens, the most probable first.

    A token that ends a text ends a continuation early. The search takes the most probable prefix, reads it and adds its
    next tokens (uniform-cost search: Russell & Norvig, Artificial Intelligence, section 3.4). A longer continuation
    is never more probable than its beginning, so each one that is complete when it is taken is the most probable of
    those that remain: the results are exact, also those of a search that ends early.

    Each prefix is read after the prompt in one pass, on the prompt's key-value cache. A prompt that leaves no room in
    the context for the continuation is read from `window_start` of both together.

    Args:
        engine: its context is taken until the iterator ends, and has the prompt afterwards.
        prompt: as for `Engine.generate`.
        count: at least 1; fewer are found where the vocabulary has fewer, or the search ends early.
        length: 1 to half a context, in tokens.
        most_steps: prefixes that are read at most; the search ends then.
        interrupted: asked before each pass; True ends the search.

    Raises:
        UserError: for a length beyond half a context, as for `Engine.generate`, or for values that are not numbers.
    """
    n_positions = engine.config.n_positions
    if not 1 <= length <= half_context(n_positions):
        raise UserError(f"A continuation has 1 to {half_context(n_positions):,} tokens, not {length:,}.")
    ids = engine.prompt_ids(prompt)
    head = ids[window_start(len(ids) + length - 1, n_positions) :]
    text = prompt.text if isinstance(prompt, MixedText) else prompt
    begins_word = not text or (isinstance(text, str) and text[-1].isspace())
    previous = None if begins_word else ids[-1]
    with engine.context_taken() as context:

        def next_tokens(path: Sequence[int], most: int) -> _Next | None:
            hidden = hidden_after(engine, context, head, path, interrupted)
            if hidden is None:
                return None
            prediction = Prediction(engine.network.logits(hidden[-1:], engine.vocab_size)[0])
            ids = prediction.most_likely(most)
            return _Next(np.array(ids, np.int32), np.array([prediction.logprob(id) for id in ids], np.float32))

        ends = frozenset(engine.tokenizer.end_ids)
        for path, logprobs in _best_first(next_tokens, count=count, length=length, most_steps=most_steps, ends=ends):
            yield Continuation(_text(engine, previous, path), path, logprobs)


def _best_first(
    next_tokens: Callable[[Sequence[int], int], _Next | None],
    *,
    count: int,
    length: int,
    most_steps: int,
    ends: frozenset[int],
) -> Iterator[tuple[tuple[int, ...], tuple[float, ...]]]:
    """Yields ids and log-probabilities of complete continuations, the most probable first.

    Args:
        next_tokens: returns so many next tokens after a prefix at most; ``None`` ends the search.
        count, length, most_steps: as for `probable_continuations`.
        ends: tokens that end a continuation.
    """
    queue: list[_Prefix] = []
    found = steps = 0
    path: tuple[int, ...] = ()
    logprobs: tuple[float, ...] = ()
    while found < count:
        if len(path) == length or (path and path[-1] in ends):
            yield path, logprobs
            found += 1
        else:
            if steps == most_steps:
                return
            # Each prefix that is taken is a result or costs a step, and siblings are taken in the order of their rank.
            most = count - found if len(path) == length - 1 else count - found + most_steps - steps
            children = next_tokens(path, most)
            if children is None:
                return
            steps += 1
            _push(queue, _child(path, logprobs, children, 0))
        if not queue:
            return
        best = heappop(queue)
        _push(queue, best.sibling())
        path, logprobs = best.ids, best.logprobs


def _child(ids: tuple[int, ...], logprobs: tuple[float, ...], children: _Next, rank: int) -> _Prefix | None:
    """A prefix and the next token of that rank; ``None`` behind the last."""
    if rank == len(children.ids):
        return None
    longer = (*logprobs, float(children.logprobs[rank]))
    return _Prefix(-sum(longer), (*ids, int(children.ids[rank])), longer, children, rank)


def _push(queue: list[_Prefix], prefix: _Prefix | None) -> None:
    if prefix is not None:
        heappush(queue, prefix)


def _text(engine: Engine, previous: int | None, ids: Sequence[int]) -> str:
    stream = TextStream(engine.tokenizer, previous)
    return "".join(map(stream.feed, ids)) + stream.flush()
