"""What a model itself says about the next token: log-probabilities, their entropy and the likeliest tokens."""

from __future__ import annotations

import math

import numpy as np
from torch import Tensor

from gptdesk.errors import UserError


class Prediction:
    """The distribution softmax(``logits``), before temperature, penalties, biases and filters.

    Args:
        logits: (V) float32 on the CPU.

    Attributes:
        entropy: in nats, 0 ... log V.

    Raises:
        UserError: when the logits are not numbers.
    """

    def __init__(self, logits: Tensor) -> None:
        self._logits = logits.numpy()
        largest = self._logits.max()  # NaN if any is
        check_numbers(largest)
        probs = logits.softmax(dim=0).numpy()
        with np.errstate(over="ignore", invalid="ignore"):
            below = largest - self._logits
            mean = float(np.dot(probs, below))
        if math.isnan(mean):  # 0 * inf, which counts as 0
            mean = float(np.dot(probs[probs > 0], below[probs > 0]))
        normalizer = -math.log(probs.max())  # log sum exp of the logits, less the largest of them
        self._normalizer = float(largest) + normalizer
        self.entropy = max(0.0, mean + normalizer)

    def logprob(self, id: int) -> float:
        """Natural logarithm of the probability of a token."""
        return float(self._logits[id]) - self._normalizer

    def likeliest(self, count: int) -> list[int]:
        """Ids of the ``count`` likeliest tokens, or of all if there are fewer; the likeliest first, and of equals the
        one with the lower id."""
        if not count:
            return []
        place = max(0, len(self._logits) - count)
        ids = np.flatnonzero(self._logits >= np.partition(self._logits, place)[place])
        likeliest: list[int] = ids[np.argsort(-self._logits[ids], kind="stable")][:count].tolist()
        return likeliest


def check_numbers(value: float) -> None:
    """Refuses logits from which ``value``, their maximum or the logarithm of their exponentials' sum, was computed.

    Raises:
        UserError: when it is not finite.
    """
    if not math.isfinite(value):
        raise UserError(
            "The model computes values that are not numbers: its weights are damaged, "
            "or too large for the chosen precision; try float32 or another copy of the model."
        )
