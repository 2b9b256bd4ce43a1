"""Scores endings of a prompt that a person gives; the prompt is read once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from gptdesk.errors import UserError
from gptdesk.gpt2.mixed_text import MixedText, encode_mixed
from gptdesk.gpt2.tokenizer import Tokenizer
from gptdesk.inference.continuations.continuation import Continuation
from gptdesk.inference.continuations.reading import hidden_after
from gptdesk.inference.engine import Engine
from gptdesk.inference.reader import TextReader
from gptdesk.inference.scoring.token_scores import token_scores
from gptdesk.inference.scoring.windows import window_start


def score_endings(
    engine: Engine,
    prompt: str | MixedText,
    endings: Sequence[str],
    *,
    allow_special: bool = False,
    interrupted: Callable[[], bool] = lambda: False,
) -> Iterator[Continuation]:
    """Scores several endings of one prompt, in their order; ends early when it is interrupted.

    Prompt and ending are tokenised as one text, as a text that the model was trained on. So the last tokens of the
    prompt may join the ending: "Hello wor" with the ending "ld" has the token " world". All endings are scored from
    the same token on: the first one in which any of the texts differs from the prompt alone. What they have in common
    is therefore the same, and their totals can be compared. Where no token is in common, as after an empty prompt, the
    token that begins a text stands before them.

    A token past a full context is scored given what the model would read to choose it (`window_start`).

    Args:
        engine: its context is taken while an ending is scored, and has the prompt afterwards.
        prompt: text before each of the endings, with special tokens or without; may be empty.
        endings: none of them empty. No space is put before them.
        allow_special: whether the names of special tokens mean those in a prompt that is a plain string, and in its
            endings; else they are plain text.
        interrupted: asked before each block of the prompt, and before each ending.

    Raises:
        UserError: for no endings, an empty one or one given twice, a model without a token that begins a text where one
            is needed, full memory, or values that are not numbers.
    """
    _check(endings)
    encode = partial(_encode, engine.tokenizer, prompt, allow_special=allow_special)
    alone, texts = encode(""), [encode(ending) for ending in endings]
    if not all(texts):
        raise UserError("The model's vocabulary has no token for an ending; leave it out.")
    shared = min(_shared_length(alone, text) for text in texts)
    head = engine.prompt_ids(alone[:shared])
    reader = TextReader(engine, top=0)
    for ending, text in zip(endings, texts, strict=True):
        tail = text[shared:]
        engine.check_ids(tail)
        logprobs = _tail_logprobs(engine, reader, head, tail, interrupted)
        if logprobs is None:
            return
        yield Continuation(ending, tuple(tail), tuple(logprobs))


def _encode(tokenizer: Tokenizer, prompt: str | MixedText, ending: str, *, allow_special: bool) -> list[int]:
    """Tokens of prompt and ending as one text."""
    if isinstance(prompt, MixedText):
        return encode_mixed(tokenizer, prompt + MixedText(ending))
    return tokenizer.encode(prompt + ending, allow_special=allow_special)


def _check(endings: Sequence[str]) -> None:
    if not endings or not all(endings):
        raise UserError("An ending is empty; give at least one ending, each with some text.")
    twice = next((ending for place, ending in enumerate(endings) if ending in endings[:place]), None)
    if twice is not None:
        raise UserError(f"The ending “{twice[:60]}” is given twice; give each one once.")


def _shared_length(prompt: Sequence[int], text: Sequence[int]) -> int:
    """How many tokens both begin with; less than the text has, so that some token of it is scored."""
    pairs = zip(prompt, text[:-1], strict=False)
    return next((place for place, (one, other) in enumerate(pairs) if one != other), min(len(prompt), len(text) - 1))


def _tail_logprobs(
    engine: Engine, reader: TextReader, head: list[int], tail: list[int], interrupted: Callable[[], bool]
) -> list[float] | None:
    """Log-probabilities of ``tail`` after ``head``; ``None`` when it is interrupted."""
    n_positions = engine.config.n_positions
    start = window_start(len(head), n_positions)
    if start != window_start(len(head) + len(tail) - 1, n_positions):  # the context is full before the end
        found = reader.scores([*head, *tail], interrupted=lambda _: interrupted())
        return None if found is None else found.scores.logprobs[len(head) :].tolist()
    with engine.context_taken() as context:
        hidden = hidden_after(engine, context, head[start:], tail[:-1], interrupted)
        if hidden is None:
            return None
        targets = np.array(tail, np.int64)
        scores = token_scores(engine.network, hidden, targets, engine.vocab_size, top=0, interrupted=interrupted)
        return None if scores is None else scores.logprobs.tolist()
