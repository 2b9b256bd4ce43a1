"""The choice of one token from the logits at the end of the chain."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch
from torch import Generator, Tensor

from gptdesk.errors import UserError
from gptdesk.inference.sampling.fast import INF, kept_places


def argmax(logits: Tensor) -> int:
    """Id of the largest logit, the first one of several.

    Raises:
        UserError: when every token is banned.
    """
    values = logits.numpy()
    id = int(values.argmax())  # 20 times faster than torch.argmax at this size
    if values[id] == -INF:
        raise _all_banned()
    return id


def sample(logits: Tensor, generator: Generator) -> int:
    """Draws an id with the probabilities softmax(``logits``): one uniform number, and the place where the cumulated
    probabilities pass it.

    ``generator`` lives on the CPU and belongs to one sequence, so that what other sequences draw changes nothing.
    (Torch's CPU generator heeds the low 32 bits of its seed alone.)

    Raises:
        UserError: when every token is banned.
    """
    return drawn_by(uniform(generator), *candidates(logits))


def uniform(generator: Generator) -> float:
    """The number of one draw, from 0 (inclusive) to 1 (exclusive)."""
    return float(torch.rand((), dtype=torch.float64, generator=generator))


def candidates(logits: Tensor) -> tuple[npt.NDArray[np.int64], Tensor]:
    """Ascending ids of the tokens that can be drawn, (C), and their probabilities, (C) float32; where few are removed,
    those are among them, with probability 0.

    Raises:
        UserError: when every token is banned.
    """
    values = logits.numpy()
    kept = kept_places(values)
    ids = _all_ids(len(values))[kept]
    if not len(ids):
        raise _all_banned()
    return ids, torch.from_numpy(values[kept]).softmax(dim=0)


def drawn_by(number: float, ids: npt.NDArray[np.int64], probs: Tensor) -> int:
    """The id among `candidates` at which the cumulated probabilities pass ``number``, 0 ... 1."""
    reached = probs.cumsum(dim=0, dtype=torch.float64).numpy()  # float32 would lose tokens in the tail
    place = reached.searchsorted(number * reached[-1], side="right")  # right: never a token of probability 0
    return int(ids[place])  # the product lies below the last sum: there is one


def probability(logits: Tensor, id: int) -> float:
    """The probability with which `sample` draws ``id``."""
    return float((logits[id] - logits.logsumexp(dim=0)).exp())


@lru_cache(maxsize=1)
def _all_ids(size: int) -> npt.NDArray[np.int64]:
    ids = np.arange(size)
    ids.flags.writeable = False
    return ids


def _all_banned() -> UserError:
    return UserError("The decoding settings ban every token: loosen logit_bias or no_repeat_ngram.")
