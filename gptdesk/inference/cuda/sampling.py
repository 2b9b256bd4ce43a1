"""Chooses a token on the CUDA device that computed its logits, and copies to the host only what is reported.

Chooses as `gptdesk.inference.sampling.chain.SamplerChain` does from the same logits, for settings that do not depend
on the text so far. Nothing here waits for the device but the one transfer at the end, so no tensor decides what Python
does, and no value is indexed by a tensor in a way that would fetch it.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor

from gptdesk.inference.cuda import ahead
from gptdesk.inference.cuda.graphs import Captured, GraphCapture
from gptdesk.inference.sampling.fields import neutral_of, settings_of
from gptdesk.inference.sampling.random_numbers import RandomNumbers
from gptdesk.inference.sampling.settings import DecodingSettings

log = logging.getLogger(__name__)

_INF = float("inf")

_ON_DEVICE: Final = frozenset({"temperature", "top_k", "top_p", "min_p"})
"""The settings that `choose` applies."""

_MOST_GRAPHS: Final = 4
"""Captured choices kept: some megabytes each."""


@dataclass(frozen=True)
class Choice:
    """A token and the model's own distribution at its position.

    Attributes:
        id: of the token; meaningless if the normalizer is not finite.
        logit: the token's own.
        normalizer: log-sum-exp of the logits; ``logit - normalizer`` is the token's log-probability. Not finite if the
            model computes values that are not numbers.
        entropy: of the model's distribution, in nats.
        top: ids and logits of the most likely tokens, the most likely first.
    """

    id: int
    logit: float
    normalizer: float
    entropy: float
    top: tuple[tuple[int, float], ...]


def serves(logits: Tensor, settings: DecodingSettings) -> bool:
    """Whether `choose` applies: the logits are on CUDA, and `is_simple` allows the settings."""
    return logits.device.type == "cuda" and is_simple(settings)


def is_simple(settings: DecodingSettings) -> bool:
    """Whether `choose` applies all settings that are not neutral.

    It applies those of `_ON_DEVICE`; those outside of presets (`Setting.in_preset`) change no choice.
    Every other one must be neutral, a setting added later too.
    """
    kind: Any = type(settings)  # mypy takes no class of a frozen dataclass for hashable
    return all(getattr(settings, name) == neutral for name, neutral in _must_be_neutral(kind).items())


@cache
def _must_be_neutral(kind: Any) -> Mapping[str, Any]:
    """The settings that `choose` ignores, and their neutral values."""
    harmless = {name for name, one in settings_of(kind).items() if not one.in_preset}
    return {field.name: neutral_of(field) for field in fields(kind) if field.name not in _ON_DEVICE | harmless}


def choose(logits: Tensor, settings: DecodingSettings, numbers: RandomNumbers) -> Choice:
    """Chooses as `SamplerChain.choose` would, ties apart.

    Args:
        logits: (V) float32, the model's own.
        settings: that `is_simple` allows.
        numbers: of the sequence; give one, or none if the choice is greedy.
    """
    drawn, chooser = _draw(settings, numbers), ahead.chooser_of(logits)
    if chooser is not None and chooser.serves(logits, settings):
        _landing.fetch(chooser.packed(logits, settings, drawn, ahead=ahead.goes_on(logits)), logits.device)
        step = ahead.take_up(logits, None)  # behind the choice, so that this is not waited for
        values = _landing.values()
        if values[0] >= 0:
            return _choice(values, step)
    packed = _graphs.packed if logits.device.type == "cuda" else packed_choice
    found = packed(logits, settings, drawn)
    _landing.fetch(found, logits.device)
    step = ahead.take_up(logits, found[:1])
    return _choice(_landing.values(), step)


def _choice(values: list[float], step: ahead.StepAhead | None) -> Choice:
    """What was packed; the step that was launched with the token learns of it."""
    chosen, logit, normalizer, entropy, *top = values
    if step is not None:
        step.id = int(chosen)
    ids, logits = top[: len(top) // 2], top[len(top) // 2 :]
    return Choice(int(chosen), logit, normalizer, entropy, tuple(zip(map(int, ids), logits, strict=True)))


class _Landing(threading.local):
    """Where a tensor arrives from the device, beside what the device does next."""

    def __init__(self) -> None:
        self._buffers: dict[int, Tensor] = {}
        self._arrived: torch.cuda.Event | None = None
        self._fetched = torch.empty(0)

    def fetch(self, tensor: Tensor, device: torch.device) -> None:
        """Begins to fetch a tensor, (N) float64, in place of the one before; it may be on the host already."""
        self._fetched, self._arrived = tensor, None
        if device.type == "cuda":
            if tensor.device.type == "cuda":
                size = len(tensor)
                if size not in self._buffers:
                    self._buffers[size] = torch.empty(size, dtype=torch.float64, pin_memory=True)
                self._fetched = self._buffers[size].copy_(tensor, non_blocking=True)
            self._arrived = torch.cuda.Event()
            self._arrived.record(torch.cuda.current_stream(device))

    def values(self) -> list[float]:
        """Waits for them."""
        if self._arrived is not None:
            self._arrived.synchronize()
        values: list[float] = self._fetched.tolist()
        return values


_landing: Final = _Landing()


def _draw(settings: DecodingSettings, numbers: RandomNumbers) -> float:
    """The number in [0, 1) that decides; 0 for a greedy choice, for which none is drawn."""
    return 0.0 if settings.greedy else numbers.uniform()


@torch.no_grad()
def packed_choice(logits: Tensor, settings: DecodingSettings, drawn: float | Tensor) -> Tensor:
    """What `choose` returns, as one tensor on the device: id, its logit, normalizer, entropy, ids and logits of the
    most likely; (4 + 2 top_logprobs) float64, which holds all of them without loss.

    Args:
        logits, settings: as for `choose`.
        drawn: the number in [0, 1) that decides, as an argument of a kernel or a float64 tensor.
    """
    id = logits.argmax() if settings.greedy else _sampled(logits, settings, drawn)
    top = logits.topk(min(settings.top_logprobs, len(logits)))
    normalizer = logits.logsumexp(dim=0)
    logprobs = logits - normalizer
    entropy = -(logprobs.exp() * logprobs).sum()
    parts = (id, logits.take(id), normalizer, entropy, top.indices, top.values)
    return torch.cat([part.double().reshape(-1) for part in parts])


class _Inputs(NamedTuple):
    """What a captured choice reads."""

    logits: Tensor
    drawn: Tensor


class _ChoiceGraphs(threading.local):
    """Choices as CUDA graphs, by the settings on which they depend: one launch instead of some twenty.

    A choice is captured when the same settings come twice in a row, and the last ones are kept.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, tuple[_Inputs, Captured]] = OrderedDict()
        self._last: Hashable = None
        self._works = True

    def packed(self, logits: Tensor, settings: DecodingSettings, drawn: float) -> Tensor:
        """`packed_choice`, from a graph if there is one. What it returns changes with the next call."""
        key = (logits.device, len(logits), settings.top_logprobs, *(getattr(settings, name) for name in _ON_DEVICE))
        if key in self._kept:
            self._kept.move_to_end(key)
            inputs, captured = self._kept[key]
            inputs.logits.copy_(logits)
            inputs.drawn.fill_(drawn)
            captured.graph.replay()
            return captured.output
        packed = packed_choice(logits, settings, drawn)
        if key == self._last and self._works:
            self._capture(key, logits, settings, drawn)
        self._last = key
        return packed

    def _capture(self, key: Hashable, logits: Tensor, settings: DecodingSettings, drawn: float) -> None:
        inputs = _Inputs(logits.clone(), torch.full((), drawn, dtype=torch.float64, device=logits.device))
        try:
            graph, _ = GraphCapture(logits.device).capture(lambda: packed_choice(inputs.logits, settings, inputs.drawn))
        except Exception as error:  # from driver, allocator or kernel
            log.warning("Choosing a token cannot be captured as a CUDA graph, so it runs without, slower: %s", error)
            self._works = False
            return
        self._kept[key] = inputs, graph
        if len(self._kept) > _MOST_GRAPHS:
            self._kept.popitem(last=False)


_graphs: Final = _ChoiceGraphs()


def _sampled(logits: Tensor, settings: DecodingSettings, drawn: float | Tensor) -> Tensor:
    """The id that ``drawn`` stands for after temperature, top-k, top-p and min-p."""
    if settings.temperature != 1:
        logits = logits / settings.temperature
    ids, ascending = None, None
    if settings.top_k:
        most_likely = logits.topk(min(settings.top_k, len(logits)))
        ids, order = most_likely.indices.sort()
        logits, ascending = most_likely.values.take(order), most_likely.values.flip(0)
    if settings.top_p < 1:
        least = _least_kept(logits.sort().values if ascending is None else ascending, settings.top_p)
        logits = logits.masked_fill(logits < least, -_INF)
    if settings.min_p:
        probs = logits.softmax(dim=0)
        logits = logits.masked_fill(probs < settings.min_p * probs.max(), -_INF)
    place = _sample(logits, drawn)
    return place if ids is None else ids.take(place)


def _least_kept(ascending: Tensor, top_p: float) -> Tensor:
    """The smallest of sorted logits that top-p keeps, as a tensor without dimensions."""
    # Summed in float64, because the order in which CUDA sums varies; compared in float32, as `top_p` does.
    reached = ascending.softmax(dim=0).cumsum(dim=0, dtype=torch.float64).float()
    cut = (reached <= 1 - top_p).sum().clamp(max=len(ascending) - 1)
    return ascending.take(cut)


def _sample(logits: Tensor, drawn: float | Tensor) -> Tensor:
    """The place that ``drawn`` stands for, with the probabilities softmax(``logits``), as `choice.sample` has it."""
    reached = logits.softmax(dim=0).cumsum(dim=0, dtype=torch.float64)
    return (reached <= reached[-1] * drawn).sum().clamp(max=len(logits) - 1)
