"""From logits to a token: one pure function a filter, and the order in which they apply.

Every function takes the logits of one sequence, (V) float32 on the CPU, and returns new ones of the same shape; what a
filter removes becomes -inf. Values equal those of ``transformers`` 5.23 bit for bit, ties included
(generation/logits_process.py), and so does the order (generation/utils.py, ``_get_logits_processor``). The CPU does it
whatever the model's device: a vocabulary is 200 kB, and the same logits then give the same token everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Generator, Tensor

from gptdesk.gpt2.decoding import BAN, DecodingSettings
from gptdesk.gpt2.errors import UserError

_INF = float("inf")


def process(
    logits: Tensor, prompt_ids: Sequence[int], sampled_ids: Sequence[int], settings: DecodingSettings
) -> Tensor:
    """The logits that `sample` draws from: biases and penalties, then (unless the choice is greedy) the filters.

    Args:
        logits: (V) float32, the model's own.
        prompt_ids, sampled_ids: what was read and what has been sampled since; ids in 0 ... V - 1.
        settings: filters at their neutral values are skipped.
    """
    if settings.logit_bias:
        logits = logit_bias(logits, settings.logit_bias)
    if settings.repetition_penalty != 1 or settings.no_repeat_ngram:
        ids = torch.tensor([*prompt_ids, *sampled_ids])  # (T)
        if settings.repetition_penalty != 1:
            logits = repetition_penalty(logits, ids, settings.repetition_penalty)
        if settings.no_repeat_ngram:
            logits = no_repeat_ngram(logits, ids, settings.no_repeat_ngram)
    if sampled_ids and (settings.presence_penalty or settings.frequency_penalty):
        ids = torch.tensor(sampled_ids)
        logits = count_penalty(logits, ids, presence=settings.presence_penalty, frequency=settings.frequency_penalty)
    if settings.greedy:
        return logits
    if settings.temperature != 1:
        logits = temperature(logits, settings.temperature)
    if settings.top_k:
        logits = top_k(logits, settings.top_k)
    if settings.top_p < 1:
        logits = top_p(logits, settings.top_p)
    if settings.min_p:
        logits = min_p(logits, settings.min_p)
    if settings.typical_p < 1:
        logits = typical_p(logits, settings.typical_p)
    return logits


def logit_bias(logits: Tensor, bias: Mapping[int, float]) -> Tensor:
    """Adds to the logit of each token its bias; -100 bans the token, as OpenAI's API reference promises of it."""
    ids = torch.tensor(list(bias))
    values = torch.tensor([-_INF if value == BAN else value for value in bias.values()])
    return logits.index_add(0, ids, values)


def repetition_penalty(logits: Tensor, ids: Tensor, penalty: float) -> Tensor:
    """Makes the tokens of ``ids``, (T) int64, less likely: positive logits are divided, negative ones multiplied by
    ``penalty`` (CTRL, Keskar et al. 2019, section 4.1)."""
    seen = logits[ids]
    return logits.index_put((ids,), torch.where(seen < 0, seen * penalty, seen / penalty))


def no_repeat_ngram(logits: Tensor, ids: Tensor, size: int) -> Tensor:
    """Bans every token that would end a sequence of ``size`` tokens that ``ids``, (T) int64, already holds."""
    if len(ids) < size:
        return logits
    prefix = ids[len(ids) + 1 - size :]  # (size - 1)
    ngrams = ids.unfold(0, size, 1)  # (T - size + 1, size)
    completing = (ngrams[:, :-1] == prefix).all(dim=1)
    return logits.index_fill(0, ngrams[completing, -1], -_INF)


def count_penalty(logits: Tensor, ids: Tensor, *, presence: float, frequency: float) -> Tensor:
    """Takes from each token of ``ids``, (T) int64, ``presence`` once and ``frequency`` as often as it occurs:
    mu[j] - c[j] * frequency - (c[j] > 0) * presence (OpenAI's API guide, "Frequency and presence penalties")."""
    counts = torch.bincount(ids, minlength=len(logits))
    return logits - (counts * frequency + (counts > 0) * presence)


def temperature(logits: Tensor, value: float) -> Tensor:
    """Divides by the temperature: under 1 sharpens the distribution, above 1 flattens it."""
    return logits / value


def top_k(logits: Tensor, k: int) -> Tensor:
    """Keeps the k largest, and what is tied with the last of them (Fan et al. 2018)."""
    least = logits.topk(min(k, len(logits))).values[-1]
    return logits.masked_fill(logits < least, -_INF)


def top_p(logits: Tensor, p: float) -> Tensor:
    """Keeps the smallest set of likeliest tokens that reaches probability ``p``, at least one (Holtzman et al. 2019).

    OpenAI's own sampler kept one token fewer: those up to which the sum does not pass p (gpt-2/src/sample.py).
    """
    # NumPy sorts values alone with vector instructions, some 25 times faster than torch.sort with its indices.
    ascending = torch.from_numpy(np.sort(logits.numpy()))
    reached = ascending.softmax(dim=0).cumsum(dim=0)  # reached[i]: of i and all that are smaller
    cut = min(int(torch.searchsorted(reached, torch.tensor(1 - p), right=True)), len(logits) - 1)
    least = ascending[cut]
    if cut == 0 or ascending[cut - 1] < least:
        return logits.masked_fill(logits < least, -_INF)
    # Some of several equal logits go and others stay; which ones only the oracle's own sort can tell.
    return logits.index_fill(0, logits.sort().indices[:cut], -_INF)


def min_p(logits: Tensor, p: float) -> Tensor:
    """Drops what is less likely than ``p`` times the likeliest (Nguyen et al. 2024, "Turning Up the Heat")."""
    probs = logits.softmax(dim=0)
    return logits.masked_fill(probs < p * probs.max(), -_INF)


def typical_p(logits: Tensor, p: float) -> Tensor:
    """Keeps the tokens whose surprise -log q is nearest to the entropy until they reach probability ``p``, at least one
    (Meister et al. 2022, "Locally Typical Sampling")."""
    logprobs = logits.log_softmax(dim=0)
    entropy = -(logprobs * logprobs.exp()).nansum()  # 0 * -inf is NaN and counts as 0
    distance = (-logprobs - entropy).abs()
    ascending, order = distance.sort()
    reached = logits[order].softmax(dim=0).cumsum(dim=0)
    last = min(int((reached < p).sum()), len(logits) - 1)
    return logits.masked_fill(distance > ascending[last], -_INF)


def likeliest(logits: Tensor) -> int:
    """Id of the largest logit, the first one of several.

    Raises:
        UserError: when every token is banned.
    """
    id = int(logits.numpy().argmax())  # 20 times faster than torch.argmax at this size
    if logits[id] == -_INF:
        raise _nothing_left()
    return id


def sample(logits: Tensor, generator: Generator) -> int:
    """Draws an id with the probabilities softmax(``logits``): one uniform number, and the place where the cumulated
    probabilities pass it.

    ``generator`` lives on the CPU and belongs to one sequence, so that what other sequences draw changes nothing.
    (Torch's CPU generator heeds the low 32 bits of its seed alone.)

    Raises:
        UserError: when every token is banned.
    """
    reached = logits.softmax(dim=0).cumsum(dim=0, dtype=torch.float64)  # float32 would lose tokens in the tail
    total = reached[-1]
    if not total > 0:  # NaN, if all are -inf
        raise _nothing_left()
    drawn = torch.rand((), dtype=torch.float64, generator=generator) * total  # below total, so that an id is found
    return int(torch.searchsorted(reached, drawn, right=True))  # right: never a token of probability 0


def _nothing_left() -> UserError:
    return UserError("The decoding settings ban every token: loosen logit_bias or no_repeat_ngram.")
