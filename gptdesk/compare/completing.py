"""Completes a prompt by one column's engine and keeps every token with its place. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from gptdesk.compare.prompt_text import Prompt, encode
from gptdesk.compare.results import Cell
from gptdesk.inference.events import DoneEvent, NoticeEvent, TokenEvent
from gptdesk.inference.sampling.settings import DecodingSettings

if TYPE_CHECKING:
    from gptdesk.inference.engine import Engine

_UNKNOWN: Final[tuple[list[int], list[float]]] = ([], [])


class Cancelled(Exception):
    """The comparison was cancelled."""


def complete(
    engine: Engine, prompt: Prompt, settings: DecodingSettings, *, special: bool, cancelled: Callable[[], bool]
) -> Iterator[TokenEvent | NoticeEvent | Cell]:
    """Completes ``prompt`` once.

    Args:
        engine: completes.
        prompt: the text.
        settings: with one completion.
        special: whether the names of special tokens in the prompt mean those.
        cancelled: asked before every token.

    Yields:
        Tokens and notices, and the `Cell` at the end.

    Raises:
        UserError: as `Engine.generate`.
        Cancelled: when ``cancelled`` returned True.
    """
    ids = engine.prompt_ids(encode(engine.tokenizer, prompt, special=special))
    tokens: list[TokenEvent] = []
    done = None
    for event in engine.generate(ids, settings, cancelled=cancelled):
        if isinstance(event, DoneEvent):
            done = event
            continue
        if isinstance(event, TokenEvent):
            tokens.append(event)
        yield event
    assert done is not None
    if done.finish_reason == "cancelled":
        raise Cancelled
    chosen = [token.id for token in tokens]
    last = (
        _top_after(engine, [*ids, *chosen], settings.top_logprobs) if done.finish_reason == "end_of_text" else _UNKNOWN
    )
    tops = [([one.id for one in token.top], [one.logprob for one in token.top]) for token in tokens] + [last]
    ends = np.cumsum([token.length for token in tokens], dtype=np.int64)
    yield Cell(
        text=done.text,
        ids=np.array(chosen, np.int64),
        starts=ends - np.array([token.length for token in tokens], np.int64),
        ends=ends,
        logprobs=np.array([token.logprob for token in tokens], np.float64),
        entropies=np.array([token.entropy for token in tokens], np.float64),
        top_ids=_rows([row for row, _ in tops], -1, np.int32),
        top_logprobs=_rows([row for _, row in tops], np.nan, np.float32),
        finish_reason=done.finish_reason,
        seed=done.seed,
        tokens_per_s=done.tokens_per_s,
        backend=done.backend,
        precision=done.precision,
    )


def _rows(rows: list[list[Any]], missing: float, dtype: type[Any]) -> npt.NDArray[Any]:
    """The rows as an array, those that are shorter filled up."""
    found = np.full((len(rows), max(map(len, rows))), missing, dtype)
    for place, row in enumerate(rows):
        found[place, : len(row)] = row
    return found


def _top_after(engine: Engine, ids: list[int], count: int) -> tuple[list[int], list[float]]:
    """The most likely tokens after a text: `generate` reports none for the token that ended it."""
    from gptdesk.inference.prediction import Prediction
    from gptdesk.inference.reader import TextReader

    logits = TextReader(engine).logits_at(ids, len(ids))
    assert logits is not None
    prediction = Prediction(logits)
    best = prediction.most_likely(count)
    return best, [prediction.logprob(id) for id in best]
