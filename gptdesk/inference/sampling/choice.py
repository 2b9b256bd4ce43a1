"""The choice of one token from the logits at the end of the chain."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from gptdesk.errors import UserError
from gptdesk.inference.sampling.fast import INF, kept_places, log_normalizer, softmax
from gptdesk.inference.sampling.random_numbers import RandomNumbers

Floats = npt.NDArray[np.float32]


def argmax(logits: Floats) -> int:
    """Id of the largest logit, the first one of several.

    Raises:
        UserError: when every token is banned.
    """
    id = int(logits.argmax())
    if logits[id] == -INF:
        raise _all_banned()
    return id


def sample(logits: Floats, numbers: RandomNumbers) -> int:
    """Draws an id with the probabilities softmax(``logits``): one uniform number, and the place where the cumulated
    probabilities pass it.

    ``numbers`` belong to one sequence, so that what other sequences draw changes nothing.

    Raises:
        UserError: when every token is banned.
    """
    return drawn_by(numbers.uniform(), *candidates(logits))


def candidates(logits: Floats) -> tuple[npt.NDArray[np.int64], Floats]:
    """Ascending ids of the tokens that can be drawn, (C), and their probabilities, (C) float32; where few are removed,
    those are among them, with probability 0.

    Raises:
        UserError: when every token is banned.
    """
    kept = kept_places(logits)
    ids, values = _all_ids(len(logits))[kept], logits[kept]
    if not len(ids) or values.max() == -INF:
        raise _all_banned()
    return ids, softmax(values)


def drawn_by(number: float, ids: npt.NDArray[np.int64], probs: Floats) -> int:
    """The id among `candidates` at which the cumulated probabilities pass ``number``, 0 ... 1."""
    reached = probs.cumsum(dtype=np.float64)  # float32 would lose tokens in the tail
    place = reached.searchsorted(number * reached[-1], side="right")  # right: never a token of probability 0
    return int(ids[place])  # the product lies below the last sum: there is one


def probability(logits: Floats, id: int) -> float:
    """The probability with which `sample` draws ``id``."""
    return float(np.exp(logits[id] - log_normalizer(logits)))


@lru_cache(maxsize=1)
def _all_ids(size: int) -> npt.NDArray[np.int64]:
    ids = np.arange(size)
    ids.flags.writeable = False
    return ids


def _all_banned() -> UserError:
    return UserError("The decoding settings ban every token: loosen logit_bias or no_repeat_ngram.")
