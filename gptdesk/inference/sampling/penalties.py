"""Samplers that change the logits of single tokens: biases and penalties on what the text already contains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from gptdesk.inference.sampling.sampler import Floats, History, Ids, Sampler, as_ids
from gptdesk.inference.sampling.setting_checks import BAN
from gptdesk.inference.sampling.settings import DecodingSettings

if TYPE_CHECKING:
    from gptdesk.gpt2.tokenizer import Tokenizer


class BiasState(msgspec.Struct):
    """What is added to which tokens.

    Attributes:
        bias: by token id.
        tokenizer: identity of the tokenizer whose ids they are; "" for any.
    """

    bias: Mapping[int, float]
    tokenizer: str


class LogitBias(Sampler[BiasState]):
    """`logit_bias`, unless the tokenizer is known to be another one than that of its ids."""

    settings = ("logit_bias",)
    tuned_by = ("logit_bias_tokenizer",)
    greedy = True

    def start(self, settings: DecodingSettings) -> BiasState:
        return BiasState(settings.logit_bias, settings.logit_bias_tokenizer)

    def use_tokenizer(self, state: BiasState, tokenizer: Tokenizer) -> None:
        if state.tokenizer not in ("", tokenizer.sha256):
            state.bias = {}

    def apply(self, logits: Floats, history: History, state: BiasState) -> Floats:
        return logit_bias(logits, state.bias) if state.bias else logits


class RepetitionPenalty(Sampler[float]):
    """`repetition_penalty`."""

    settings = ("repetition_penalty",)
    greedy = True

    def start(self, settings: DecodingSettings) -> float:
        return settings.repetition_penalty

    def apply(self, logits: Floats, history: History, penalty: float) -> Floats:
        return repetition_penalty(logits, history.ids, penalty)


class NoRepeatNgram(Sampler[int]):
    """`no_repeat_ngram`."""

    settings = ("no_repeat_ngram",)
    greedy = True

    def start(self, settings: DecodingSettings) -> int:
        return settings.no_repeat_ngram

    def apply(self, logits: Floats, history: History, size: int) -> Floats:
        return no_repeat_ngram(logits, history.ids, size)


class CountPenalty(Sampler[tuple[float, float]]):
    """`count_penalty` of the tokens of the completion; those of the prompt do not count."""

    settings = ("presence_penalty", "frequency_penalty")
    title = "Presence and frequency penalty"
    greedy = True

    def start(self, settings: DecodingSettings) -> tuple[float, float]:
        return settings.presence_penalty, settings.frequency_penalty

    def apply(self, logits: Floats, history: History, penalties: tuple[float, float]) -> Floats:
        if not len(history.sampled):
            return logits
        presence, frequency = penalties
        return count_penalty(logits, history.sampled, presence=presence, frequency=frequency)


def logit_bias(logits: Floats, bias: Mapping[int, float]) -> Floats:
    """Adds to the logit of each token its bias; -100 bans the token, as OpenAI's API reference promises of it."""
    ids = np.fromiter(bias.keys(), np.int64, len(bias))
    values = np.fromiter(bias.values(), np.float64, len(bias))
    values[values == BAN] = -np.inf
    biased = logits.copy()
    biased[ids] += values.astype(np.float32)
    return biased


def repetition_penalty(logits: Floats, ids: Ids, penalty: float) -> Floats:
    """Makes the tokens of ``ids``, (T), less likely: positive logits are divided, negative ones multiplied by
    ``penalty`` (CTRL, Keskar et al. 2019, section 4.1)."""
    ids = as_ids(ids)
    penalized = logits.copy()
    seen = penalized[ids]
    penalized[ids] = np.where(seen < 0, seen * np.float32(penalty), seen / np.float32(penalty))
    return penalized


def no_repeat_ngram(logits: Floats, ids: Ids, size: int) -> Floats:
    """Bans every token that would end a sequence of ``size`` tokens that ``ids``, (T), already contains."""
    ids = as_ids(ids)
    if len(ids) < size:
        return logits
    prefix = ids[len(ids) + 1 - size :]  # (size - 1)
    ends = np.arange(size - 1, len(ids))  # where sequences end that begin with the prefix
    for back, id in enumerate(prefix[::-1], start=1):
        ends = ends[ids[ends - back] == id]
    banned = logits.copy()
    banned[ids[ends]] = -np.inf
    return banned


def count_penalty(logits: Floats, ids: Ids, *, presence: float, frequency: float) -> Floats:
    """Subtracts from each token of ``ids``, (T), ``presence`` once and ``frequency`` as often as it occurs:
    mu[j] - c[j] * frequency - (c[j] > 0) * presence (OpenAI's API guide, "Frequency and presence penalties")."""
    ids = as_ids(ids)
    counts = np.bincount(ids)[ids].astype(np.float32)  # (T)
    penalized = logits.copy()
    penalized[ids] = logits[ids] - (counts * np.float32(frequency) + np.float32(presence))
    return penalized
