"""The model's own distribution of the next token: log-probabilities, entropy, most likely tokens."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from gptdesk.errors import UserError


class Prediction:
    """The distribution softmax(``logits``), before any sampler.

    Args:
        logits: (V) float32.

    Attributes:
        entropy: in nats, 0 ... log V.

    Raises:
        UserError: when a logit is not a number.
    """

    def __init__(self, logits: npt.NDArray[np.float32]) -> None:
        self._logits = logits
        largest = logits.max()  # NaN if any is
        check_numbers(largest)
        with np.errstate(over="ignore", invalid="ignore"):
            below = largest - logits
            powers = np.exp(-below)
            total = float(powers.sum(dtype=np.float64))
            mean = float(np.dot(powers, below)) / total
        if math.isnan(mean):  # 0 * inf, which counts as 0
            mean = float(np.dot(powers[powers > 0], below[powers > 0])) / total
        self._normalizer = float(largest) + math.log(total)
        self.entropy = max(0.0, mean + math.log(total))

    def logprob(self, id: int) -> float:
        """Natural logarithm of the probability of a token."""
        return float(self._logits[id]) - self._normalizer

    def most_likely(self, count: int) -> list[int]:
        """Ids of the ``count`` most likely tokens, at most all, the most likely first; of equals the lower id first."""
        if not count:
            return []
        place = max(0, len(self._logits) - count)
        ids = np.flatnonzero(self._logits >= np.partition(self._logits, place)[place])
        found: list[int] = ids[np.argsort(-self._logits[ids], kind="stable")][:count].tolist()
        return found


def check_numbers(value: float) -> None:
    """Checks a ``value`` computed from logits: their maximum or log-sum-exp.

    Raises:
        UserError: when it is not finite.
    """
    if not math.isfinite(value):
        raise UserError(
            "The model computes values that are not numbers: its weights are damaged, "
            "or too large for the chosen precision; try float32 or another copy of the model."
        )
