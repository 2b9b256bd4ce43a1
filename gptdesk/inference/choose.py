"""Chooses the next token of a sequence from the logits of its context, and makes text of it."""

from __future__ import annotations

from time import perf_counter
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gptdesk.gpt2.tokenizer import Tokenizer
from gptdesk.inference.context import Logits
from gptdesk.inference.events import Alternative, TokenEvent
from gptdesk.inference.prediction import Prediction, check_numbers
from gptdesk.inference.sampling.sampler import History
from gptdesk.inference.sequence import Sequence


class _Chosen(NamedTuple):
    """A token and the model's own distribution at its place, as in `TokenEvent`; ``top``: ids and log-probabilities."""

    id: int
    logprob: float
    entropy: float
    top: list[tuple[int, float]]


def choose(sequence: Sequence, tokenizer: Tokenizer, vocab_size: int) -> TokenEvent | None:
    """Chooses the next token and appends it to ``sequence``, which may end with it.

    Args:
        sequence: active; its context holds all of its tokens.
        tokenizer: of the model.
        vocab_size: ids from there on are padding and cannot be chosen.

    Returns:
        The token; ``None`` for one that ends the text, which is not part of the sequence.

    Raises:
        UserError: when every token is banned, or the model computes values that are not numbers.
    """
    began = perf_counter()
    event = _append(sequence, _sample(sequence, sequence.context.logits[:vocab_size]), tokenizer)
    now = perf_counter()
    if sequence.ttft_s:
        sequence.decode_s += now - began
    else:
        sequence.ttft_s = now - sequence.started
    return event


def _sample(sequence: Sequence, logits: Logits) -> _Chosen:
    """The next token, drawn from ``logits``, (V) float32, on the device that computed them where that is possible."""
    if isinstance(logits, np.ndarray):
        return _sample_here(sequence, logits)
    from gptdesk.inference.cuda import sampling as device_sampling

    settings = sequence.settings
    if not device_sampling.serves(logits, settings):
        return _sample_here(sequence, logits.cpu().numpy())
    choice = device_sampling.choose(logits, settings, sequence.numbers)
    check_numbers(choice.normalizer)
    top = [(id, logit - choice.normalizer) for id, logit in choice.top]
    return _Chosen(choice.id, choice.logit - choice.normalizer, choice.entropy, top)


def _sample_here(sequence: Sequence, logits: npt.NDArray[np.float32]) -> _Chosen:
    prediction = Prediction(logits)
    history = History(sequence.prompt, sequence.completion)
    id = sequence.chain.choose(logits, history, sequence.numbers)
    top = [(id, prediction.logprob(id)) for id in prediction.most_likely(sequence.settings.top_logprobs)]
    return _Chosen(id, prediction.logprob(id), prediction.entropy, top)


def _append(sequence: Sequence, chosen: _Chosen, tokenizer: Tokenizer) -> TokenEvent | None:
    """Appends a token and its text, and notes where it ends the sequence."""
    if chosen.id in tokenizer.end_ids:
        sequence.finish_reason = "end_of_text"
        return None
    sequence.append(chosen.id)
    whole = sequence.stream.feed(chosen.id)
    text = sequence.stops.feed(whole)
    sequence.pieces.append(text)
    if sequence.stops.found:
        sequence.finish_reason = "stop"
    elif len(sequence.completion) == sequence.settings.max_tokens:
        sequence.finish_reason = "length"
    alternatives = tuple(Alternative(id, tokenizer.piece(id), logprob) for id, logprob in chosen.top)
    return TokenEvent(sequence.index, chosen.id, text, len(whole), chosen.logprob, chosen.entropy, alternatives)
