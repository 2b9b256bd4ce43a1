"""The units in which the window shows losses, in one table: chart, commands, export and comparison follow it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import msgspec

VALIDATION_LOSS: Final = "val_loss"
"""Value of an evaluation that holds the validation loss in nats per token."""

LARGEST_CONVERTED: Final = 50.0
"""Loss in nats per token beyond which a run has diverged, and other units say nothing."""


class LossUnit(msgspec.Struct, frozen=True, kw_only=True):
    """A unit of losses.

    Attributes:
        key: name of the unit in settings; column of the training loss in an exported table.
        title: in menus.
        description: of the command that chooses it.
        chart_title: of the loss chart.
        axis_title: of the y axis of an exported chart.
        noun: what a value is called in a sentence.
        with_value: a value with its unit, in little room; `{}` is the value.
        validation_column: column of the validation loss in an exported table.
        digits: after the decimal point.
        from_nats: a loss from nats per token and, if `needs_bytes`, the bytes that a token stands for; elementwise for
            arrays.
        recorded: value of step events and evaluations that holds the loss in this unit; "" if it is always converted.
        needs_bytes: whether `from_nats` depends on the bytes per token.
    """

    key: str
    title: str
    description: str
    chart_title: str
    axis_title: str
    noun: str
    with_value: str
    validation_column: str
    digits: int
    from_nats: Callable[[Any, float], Any]
    recorded: str = ""
    needs_bytes: bool = False


LOSS_UNITS: tuple[LossUnit, ...] = (
    LossUnit(
        key="loss",
        title="Nats per token",
        description="Show losses in nats per token, the mean cross-entropy that the training minimizes",
        chart_title="Loss",
        axis_title="Loss, nats per token",
        noun="loss",
        with_value="{} nats",
        validation_column="validation",
        digits=4,
        from_nats=lambda loss, _: loss,
    ),
    LossUnit(
        key="bits_per_byte",
        title="Bits per byte",
        description="Show losses in bits per byte of text, which compares models of different vocabularies",
        chart_title="Bits per byte",
        axis_title="Loss, bits per byte",
        noun="bits per byte",
        with_value="{} bits/byte",
        validation_column="validation_bits_per_byte",
        digits=4,
        from_nats=lambda loss, bytes_per_token: loss / (bytes_per_token * math.log(2)),
        recorded="bits_per_byte",
        needs_bytes=True,
    ),
    LossUnit(
        key="perplexity",
        title="Perplexity",
        description="Show losses as perplexity per token: e to the power of the loss in nats",
        chart_title="Perplexity",
        axis_title="Perplexity per token",
        noun="perplexity",
        with_value="perplexity {}",
        validation_column="validation_perplexity",
        digits=2,
        from_nats=lambda loss, _: math.e**loss,
    ),
)
"""All units, in the order of their menu; the first is the default and that of recorded losses."""


def loss_unit(key: str) -> LossUnit:
    """The unit of that key.

    Raises:
        KeyError: when there is none.
    """
    found = next((unit for unit in LOSS_UNITS if unit.key == key), None)
    if found is None:
        raise KeyError(key)
    return found


def evaluation_keys() -> tuple[str, ...]:
    """Values of an evaluation that are read."""
    return (VALIDATION_LOSS, *(unit.recorded for unit in LOSS_UNITS if unit.recorded))
