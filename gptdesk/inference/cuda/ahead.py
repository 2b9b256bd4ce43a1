"""Launches the next decode step as soon as the device has chosen a token, while the host still waits to read which.

The decoder offers a step after the logits that it returns; who chooses from them on the device takes the offer up. The
device then computes while the host makes text of the token. With the step it may offer kernels that choose, and put the
token where the step reads it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from torch import Tensor

from gptdesk.inference.sampling.settings import DecodingSettings


class StepAhead:
    """A step that was launched before the host knew its token.

    Attributes:
        logits: after the token, (V) float32.
        id: of the token, once it is known.
    """

    def __init__(self, logits: Tensor) -> None:
        self.logits = logits
        self.id: int | None = None


Launch = Callable[[Tensor | None], StepAhead | None]
"""Takes the token's id, (1) on the device, or ``None`` if that is where the step reads it; returns ``None`` where the
step cannot be launched yet."""


class Chooser(Protocol):
    """Chooses from the logits that it is offered with: see `FusedChoice`."""

    def serves(self, logits: Tensor, settings: DecodingSettings) -> bool: ...

    def packed(self, logits: Tensor, settings: DecodingSettings, drawn: float, *, ahead: bool) -> Tensor: ...


class _Offer(threading.local):
    """The newest offer of this thread. Holding the logits keeps their address from being given to others."""

    def __init__(self) -> None:
        self.logits: Tensor | None = None
        self.launch: Launch | None = None
        self.chooser: Chooser | None = None


_offer = _Offer()


def offer(logits: Tensor, launch: Launch | None = None, chooser: Chooser | None = None) -> None:
    """Offers what goes with ``logits``, in place of any offer before.

    Args:
        logits: (V), or of several texts (T, V).
        launch: launches the step after the one text.
        chooser: chooses from any of the logits.
    """
    _offer.logits, _offer.launch, _offer.chooser = logits, launch, chooser


def take_up(logits: Tensor, id: Tensor | None) -> StepAhead | None:
    """Launches the step with a token, as for `Launch`, if it was offered for ``logits`` (or the beginning of them)."""
    launch = _offer.launch
    if launch is None or not goes_on(logits):
        return None
    _offer.launch = None
    return launch(id)


def goes_on(logits: Tensor) -> bool:
    """Whether `take_up` would launch a step after these logits."""
    offered = _offer.logits
    return (
        offered is not None
        and _offer.launch is not None
        and offered.device == logits.device
        and offered.data_ptr() == logits.data_ptr()
    )


def chooser_of(logits: Tensor) -> Chooser | None:
    """Who chooses from ``logits``, if that was offered for them (or the beginning of them)."""
    offered = _offer.logits
    if offered is None or offered.device != logits.device:
        return None
    distance = logits.data_ptr() - offered.data_ptr()
    return _offer.chooser if 0 <= distance < offered.nbytes else None
