"""Launches the next decode step as soon as the device has chosen a token, while the host still waits to read which.

The decoder offers a step after the logits that it returns; who chooses from them on the device takes the offer up. The
device then computes while the host makes text of the token.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from torch import Tensor


class StepAhead:
    """A step that was launched before the host knew its token.

    Attributes:
        logits: after the token, (V) float32.
        id: of the token, once it is known.
    """

    def __init__(self, logits: Tensor) -> None:
        self.logits = logits
        self.id: int | None = None


Launch = Callable[[Tensor], StepAhead | None]
"""Takes the token's id, (1) on the device; returns ``None`` where the step cannot be launched yet."""


class _Offer(threading.local):
    """The newest offer of this thread. Holding the logits keeps their address from being given to others."""

    def __init__(self) -> None:
        self.logits: Tensor | None = None
        self.launch: Launch | None = None


_offer = _Offer()


def offer(logits: Tensor, launch: Launch | None) -> None:
    """Offers to launch the step after ``logits``, in place of any offer before; ``None`` offers nothing."""
    _offer.logits, _offer.launch = logits, launch


def take_up(logits: Tensor, id: Tensor) -> StepAhead | None:
    """Launches the step with the token ``id``, if it was offered for ``logits`` (or the beginning of them)."""
    offered, launch = _offer.logits, _offer.launch
    if offered is None or launch is None or offered.device != logits.device or offered.data_ptr() != logits.data_ptr():
        return None
    _offer.launch = None
    return launch(id)
