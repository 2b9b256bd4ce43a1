"""The parts of a model that add to the residual stream, and their names."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Kind(Enum):
    """What a part is."""

    TOKEN = "token embedding"
    POSITION = "position embedding"
    HEAD = "head"
    ATTENTION_BIAS = "attention bias"
    MLP = "MLP"
    MLP_BIAS = "MLP bias"
    NORM_BIAS = "final norm bias"


class Part(NamedTuple):
    """One part.

    Attributes:
        kind: what it is.
        layer: of the block, from 0 as in the literature; None for what is in none.
        head: within the layer, from 0; None for what is no head.
    """

    kind: Kind
    layer: int | None = None
    head: int | None = None

    @property
    def name(self) -> str:
        """For display: "L5 H1" is head 1 of layer 5."""
        if self.layer is None:
            return self.kind.value
        return f"L{self.layer} H{self.head}" if self.kind is Kind.HEAD else f"L{self.layer} {self.kind.value}"


def heads_and_mlps(n_layer: int, n_head: int) -> list[Part]:
    """The L (nh + 1) parts that are switched off one by one, by layer: its heads, then its MLP."""
    return [
        part
        for layer in range(n_layer)
        for part in (*(Part(Kind.HEAD, layer, head) for head in range(n_head)), Part(Kind.MLP, layer))
    ]
