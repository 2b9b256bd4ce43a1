"""From logits to a token: one pure function a filter, and the order in which they apply.

Every function takes the logits of one sequence, (V) float32 on the CPU, and returns new ones of the same shape; what a
filter removes becomes -inf. Values equal those of ``transformers`` 5.23 bit for bit, ties included but for one case in
`typical_p` (generation/logits_process.py), and so does the order (generation/utils.py, ``_get_logits_processor``). The
CPU does it, but for what `gptdesk.inference.cuda.sampling` does on a CUDA device: a vocabulary is 200 kB.

Torch computes what is rounded (softmax, exponentials, sums), because that must come out as it does in ``transformers``.
The rest is NumPy's: it sorts with vector instructions, and wakes no second thread for what takes a few microseconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Generator, Tensor

from gptdesk.errors import UserError
from gptdesk.inference.sampling.settings import BAN, DecodingSettings

Ids: TypeAlias = Sequence[int] | npt.NDArray[np.int64]
"""Token ids; arrays are not copied."""

_INF: Final = float("inf")

_LANES: Final = 64
"""A multiple of the numbers that torch adds side by side, which are those in one or a few of a processor's vectors."""

_LIKELY: Final = 2048
"""Tokens among which `typical_p` looks first for where its probability is reached."""


def process(logits: Tensor, prompt_ids: Ids, sampled_ids: Ids, settings: DecodingSettings) -> Tensor:
    """The logits that `sample` draws from: biases and penalties, then (unless the choice is greedy) the filters.

    Args:
        logits: (V) float32, the model's own.
        prompt_ids, sampled_ids: what was read and what has been sampled since; ids in 0 ... V - 1.
        settings: filters at their neutral values are skipped.
    """
    if settings.logit_bias:
        logits = logit_bias(logits, settings.logit_bias)
    if settings.repetition_penalty != 1 or settings.no_repeat_ngram:
        ids = np.concatenate([_array(prompt_ids), _array(sampled_ids)])  # (T)
        if settings.repetition_penalty != 1:
            logits = repetition_penalty(logits, ids, settings.repetition_penalty)
        if settings.no_repeat_ngram:
            logits = no_repeat_ngram(logits, ids, settings.no_repeat_ngram)
    if len(sampled_ids) and (settings.presence_penalty or settings.frequency_penalty):
        presence, frequency = settings.presence_penalty, settings.frequency_penalty
        logits = count_penalty(logits, sampled_ids, presence=presence, frequency=frequency)
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
    ids = np.fromiter(bias.keys(), np.int64, len(bias))
    values = np.fromiter(bias.values(), np.float64, len(bias))
    values[values == BAN] = -_INF
    biased = logits.numpy().copy()
    biased[ids] += values.astype(np.float32)
    return torch.from_numpy(biased)


def repetition_penalty(logits: Tensor, ids: Ids, penalty: float) -> Tensor:
    """Makes the tokens of ``ids``, (T), less likely: positive logits are divided, negative ones multiplied by
    ``penalty`` (CTRL, Keskar et al. 2019, section 4.1)."""
    ids = _array(ids)
    penalized = logits.numpy().copy()
    seen = penalized[ids]
    penalized[ids] = np.where(seen < 0, seen * np.float32(penalty), seen / np.float32(penalty))
    return torch.from_numpy(penalized)


def no_repeat_ngram(logits: Tensor, ids: Ids, size: int) -> Tensor:
    """Bans every token that would end a sequence of ``size`` tokens that ``ids``, (T), already holds."""
    ids = _array(ids)
    if len(ids) < size:
        return logits
    prefix = ids[len(ids) + 1 - size :]  # (size - 1)
    ends = np.arange(size - 1, len(ids))  # where sequences end that begin with the prefix
    for back, id in enumerate(prefix[::-1], start=1):
        ends = ends[ids[ends - back] == id]
    banned = logits.numpy().copy()
    banned[ids[ends]] = -_INF
    return torch.from_numpy(banned)


def count_penalty(logits: Tensor, ids: Ids, *, presence: float, frequency: float) -> Tensor:
    """Takes from each token of ``ids``, (T), ``presence`` once and ``frequency`` as often as it occurs:
    mu[j] - c[j] * frequency - (c[j] > 0) * presence (OpenAI's API guide, "Frequency and presence penalties")."""
    ids = _array(ids)
    counts = np.bincount(ids)[ids].astype(np.float32)  # (T)
    values, penalized = logits.numpy(), logits.numpy().copy()
    penalized[ids] = values[ids] - (counts * np.float32(frequency) + np.float32(presence))
    return torch.from_numpy(penalized)


def temperature(logits: Tensor, value: float) -> Tensor:
    """Divides by the temperature: under 1 sharpens the distribution, above 1 flattens it."""
    return torch.from_numpy(logits.numpy() / np.float32(value))


def top_k(logits: Tensor, k: int) -> Tensor:
    """Keeps the k largest, and what is tied with the last of them (Fan et al. 2018)."""
    if k >= len(logits):
        return logits
    values, place = logits.numpy(), len(logits) - k
    return _keep(logits, values >= np.partition(values, place)[place])


def top_p(logits: Tensor, p: float) -> Tensor:
    """Keeps the smallest set of likeliest tokens that reaches probability ``p``, at least one (Holtzman et al. 2019).

    OpenAI's own sampler kept one token fewer: those up to which the sum does not pass p (gpt-2/src/sample.py).
    """
    values = logits.numpy()
    left = values[_left(values)]
    if not len(left):
        return logits
    ascending = np.concatenate([_removed(len(values), len(left)), np.sort(left)])
    # reached[i]: probability of i and all that are less likely.
    reached = torch.from_numpy(ascending).softmax(dim=0).cumsum(dim=0).numpy()
    cut = min(int(reached.searchsorted(np.float32(1 - p), side="right")), len(ascending) - 1)
    least = ascending[cut]
    if cut == 0 or ascending[cut - 1] < least:
        return _keep(logits, values >= least)
    # Some of several equal logits go and others stay; which ones only the oracle's own sort can tell.
    gone = len(values) - len(ascending) + cut
    return logits.index_fill(0, logits.sort().indices[:gone], -_INF)


def min_p(logits: Tensor, p: float) -> Tensor:
    """Drops what is less likely than ``p`` times the likeliest (Nguyen et al. 2024, "Turning Up the Heat")."""
    probs = logits.softmax(dim=0).numpy()
    return _keep(logits, probs >= np.float32(p) * probs.max())


def typical_p(logits: Tensor, p: float) -> Tensor:
    """Keeps the tokens whose surprise -log q is nearest to the entropy until they reach probability ``p``, at least one
    (Meister et al. 2022, "Locally Typical Sampling").

    Tokens just as near are taken in the order of their logits' bits. The oracle leaves that to a sort that is not
    stable. The order reaches no further than the last bits of a sum: in one of some hundred nearly flat distributions
    over 50,257 tokens that decides about one token.
    """
    values = logits.numpy()
    left = _left(values)
    if not len(values[left]):
        return logits
    logprobs = logits.log_softmax(dim=0).numpy()
    products = np.zeros_like(values)  # where they stand decides how their sum is rounded
    with np.errstate(invalid="ignore"):
        products[left] = logprobs[left] * torch.from_numpy(logprobs[left]).exp().numpy()
    entropy = -torch.from_numpy(products).nansum().numpy()  # 0 * -inf is NaN and counts as 0
    distance = np.abs(logprobs + entropy)  # of -log q
    # Bits of floats that are not negative sort like the floats. Below them lie the logits' own, because NumPy sorts
    # whole numbers some 20 times faster than it, or torch, sorts anything together with its places.
    keys = distance[left].view(np.uint32).astype(np.uint64)
    keys <<= np.uint64(32)
    keys |= values[left].view(np.uint32)
    keys.sort()
    nearest_first = keys.astype(np.uint32).view(np.float32)
    probs = torch.from_numpy(np.concatenate([nearest_first, _removed(len(values), len(keys))])).softmax(dim=0)
    reached = probs[:_LIKELY].cumsum(dim=0).numpy()
    if reached[-1] < np.float32(p):
        reached = probs.cumsum(dim=0).numpy()
    last = min(int(reached.searchsorted(np.float32(p))), len(keys) - 1)
    return _keep(logits, distance.view(np.uint32) <= np.uint32(keys[last] >> np.uint64(32)))


def likeliest(logits: Tensor) -> int:
    """Id of the largest logit, the first one of several.

    Raises:
        UserError: when every token is banned.
    """
    values = logits.numpy()
    id = int(values.argmax())  # 20 times faster than torch.argmax at this size
    if values[id] == -_INF:
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
    values = logits.numpy()
    left = _left(values)
    ids = _all_ids(len(values))[left]
    if not len(ids):
        raise _nothing_left()
    probs = torch.from_numpy(values[left]).softmax(dim=0)
    reached = probs.cumsum(dim=0, dtype=torch.float64).numpy()  # float32 would lose tokens in the tail
    drawn = float(torch.rand((), dtype=torch.float64, generator=generator)) * reached[-1]  # below it: an id is found
    return int(ids[reached.searchsorted(drawn, side="right")])  # right: never a token of probability 0


def _array(ids: Ids) -> npt.NDArray[np.int64]:
    return np.asarray(ids, np.int64)


def _left(values: npt.NDArray[np.float32]) -> slice | npt.NDArray[np.int64]:
    """Where the tokens are that no filter has removed, ascending; simply all, if those are more than half of them."""
    left = values > -_INF
    return slice(None) if 2 * np.count_nonzero(left) > len(left) else np.flatnonzero(left)


@lru_cache(maxsize=1)
def _all_ids(size: int) -> npt.NDArray[np.int64]:
    ids = np.arange(size)
    ids.flags.writeable = False
    return ids


def _removed(size: int, left: int) -> npt.NDArray[np.float32]:
    """As many -inf as must stand beside ``left`` other logits, so that their softmax is rounded as among ``size``.

    They add zeros, but each lane of the sum has to get the same numbers in the same order.
    """
    removed = size - left
    return np.full(min(removed, _LANES + removed % _LANES), -_INF, np.float32)


def _keep(logits: Tensor, keep: npt.NDArray[np.bool_]) -> Tensor:
    """The logits where ``keep`` is true, -inf elsewhere."""
    # Choosing number by number, as np.where does, takes ten times as long: half of the branches are guessed wrong.
    kept = keep.astype(np.float32)
    with np.errstate(divide="ignore"):
        np.divide(1, kept, out=kept)
    kept -= 1  # 0 or infinity
    return torch.from_numpy(np.subtract(logits.numpy(), kept, out=kept))


def _nothing_left() -> UserError:
    return UserError("The decoding settings ban every token: loosen logit_bias or no_repeat_ngram.")
