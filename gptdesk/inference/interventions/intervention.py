"""What is changed in a model before it writes: a value that is stored, compared and replayed. Imports no torch."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import msgspec

from gptdesk.errors import UserError, brief

MOST_STRENGTH: Final = 100.0
"""Of a direction: at a tenth of it nothing but the direction is left of the text."""

LONGEST: Final = 10_000
"""Characters of a text that is kept with every generation."""

_MOST: Final = 10_000
"""Parts, and layers: no GPT-2 has as many."""

_COMPONENT: Final = re.compile(r"(\d{1,4})(?:\.(\d{1,4}|mlp))?", re.IGNORECASE)


class Component(NamedTuple):
    """A part of a model that can be switched off: a head, an MLP, or a layer with both.

    Attributes:
        layer: of the block, from 0.
        head: within the layer, from 0; None for the MLP and for the layer.
        mlp: whether it is the MLP.
    """

    layer: int
    head: int | None = None
    mlp: bool = False

    @classmethod
    def parse(cls, text: str) -> Component:
        """Reads "3.1", head 1 of layer 3; "5.mlp", the MLP of layer 5; or "6", all of layer 6.

        Raises:
            UserError: when it is none of them.
        """
        found = _COMPONENT.fullmatch(text.strip())
        if found is None:
            raise UserError(
                f"{brief(text.strip())} is no part of a model: write 3.1 for head 1 of layer 3, 5.mlp for the MLP of "
                "layer 5, or 6 for all of layer 6."
            )
        layer, part = int(found[1]), found[2]
        if part is None:
            return cls(layer)
        return cls(layer, mlp=True) if part.lower() == "mlp" else cls(layer, int(part))

    @property
    def id(self) -> str:
        """As `parse` reads it."""
        if self.mlp:
            return f"{self.layer}.mlp"
        return str(self.layer) if self.head is None else f"{self.layer}.{self.head}"

    @property
    def name(self) -> str:
        """For display: "3.1", "MLP 5", "layer 6"."""
        if self.mlp:
            return f"MLP {self.layer}"
        return f"layer {self.layer}" if self.head is None else self.id

    @property
    def is_layer(self) -> bool:
        return self.head is None and not self.mlp


class Steering(msgspec.Struct, frozen=True, kw_only=True):
    """A direction that is added to the residual stream of every token that the model reads or writes.

    The direction is the difference of two prompts' residual streams where they enter a block, each behind its last
    token. That of one pair is Turner et al. 2023, "Activation Addition: Steering Language Models Without Optimization",
    https://arxiv.org/abs/2308.10248, who add the differences of all tokens to the first ones of the text. That the last
    token's alone is added everywhere is Rimsky et al. 2023, "Steering Llama 2 via Contrastive Activation Addition",
    https://arxiv.org/abs/2312.06681, who take its mean over many pairs and leave the prompt as it is. One token's holds
    for texts of any length, and for prompts whose lengths differ.

    Attributes:
        toward, away: the prompts; an empty one is the token that begins a text.
        layer: of the block whose input is changed, from 0.
        strength: factor of the difference; negative steers the other way.

    Raises:
        UserError: when a value is out of range, or the prompts are the same.
    """

    toward: str
    away: str = ""
    layer: int
    strength: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.layer < _MOST:
            raise UserError(f"The layer of a direction must be a whole number from 0 on, not {self.layer}.")
        if not math.isfinite(self.strength) or abs(self.strength) > MOST_STRENGTH:
            raise UserError(
                f"The strength of a direction must lie between {-MOST_STRENGTH:g} and {MOST_STRENGTH:g}, "
                f"not {self.strength:g}."
            )
        if self.toward == self.away:
            raise UserError("A direction needs two different prompts: one to steer toward, and one to steer away from.")
        for text in (self.toward, self.away):
            _check_length(text)

    @property
    def name(self) -> str:
        """For display: "“ happy” less “ sad” × 4 into layer 6"."""
        away = f" less “{self.away}”" if self.away else ""
        return f"“{self.toward}”{away} × {self.strength:g} into layer {self.layer}"


class Intervention(msgspec.Struct, frozen=True, kw_only=True):
    """What is changed in a model. Two that change the same are equal, whatever the order in which parts were named.

    Attributes:
        without: parts whose output is replaced, sorted, each once; those of a layer that is named are left out.
        mean_of: text over whose tokens the mean of a part's output stands for it; "" for zero.
        steering: directions that are added.

    Raises:
        UserError: when a text is too long.
    """

    without: tuple[Component, ...] = ()
    mean_of: str = ""
    steering: tuple[Steering, ...] = ()

    def __post_init__(self) -> None:
        layers = {part.layer for part in self.without if part.is_layer}
        kept = {part for part in self.without if part.is_layer or part.layer not in layers}
        if len(kept) > _MOST:
            raise UserError(f"At most {_MOST:,} parts can be switched off.")
        _check_length(self.mean_of)
        msgspec.structs.force_setattr(self, "without", tuple(sorted(kept, key=_order)))
        if not kept:
            msgspec.structs.force_setattr(self, "mean_of", "")

    @property
    def is_empty(self) -> bool:
        """Whether the model stays whole."""
        return not self.without and not self.steering

    @property
    def name(self) -> str:
        """For display: "without 3.1, MLP 5"; "3.1 at its mean"; directions behind that."""
        parts = ", ".join(part.name for part in self.without)
        said = [f"{parts} at the mean" if self.mean_of else f"without {parts}"] if parts else []
        return "; ".join([*said, *(f"steered by {one.name}" for one in self.steering)])

    def check_shape(self, layers: int, heads: int) -> None:
        """Checks that a model with that many layers, and heads in each, has the parts.

        Raises:
            UserError: when it has not.
        """
        for layer in [part.layer for part in self.without] + [one.layer for one in self.steering]:
            if layer >= layers:
                raise UserError(f"The model has the layers 0 to {layers - 1}, so there is no layer {layer}.")
        for part in self.without:
            if part.head is not None and part.head >= heads:
                raise UserError(f"Each layer of the model has the heads 0 to {heads - 1}, so there is no {part.id}.")

    def to_json(self) -> dict[str, Any]:
        """As `from_json` reads it; nothing of what is empty."""
        values: dict[str, Any] = {}
        if self.without:
            values["without"] = [part.id for part in self.without]
        if self.mean_of:
            values["mean_of"] = self.mean_of
        if self.steering:
            values["steering"] = [
                {"toward": one.toward, "away": one.away, "layer": one.layer, "strength": one.strength}
                for one in self.steering
            ]
        return values

    @classmethod
    def from_json(cls, values: object) -> Intervention:
        """Reads what `to_json` has written.

        Raises:
            UserError: when it is something else.
        """
        try:
            read = msgspec.convert(values, _Stored)
        except msgspec.ValidationError as error:
            raise UserError(f"What was changed in the model cannot be read: {error}.") from None
        steering = [
            Steering(toward=one.toward, away=one.away, layer=one.layer, strength=one.strength) for one in read.steering
        ]
        return cls(without=tuple(map(Component.parse, read.without)), mean_of=read.mean_of, steering=tuple(steering))


class _StoredSteering(msgspec.Struct, forbid_unknown_fields=True):
    toward: str
    layer: int
    away: str = ""
    strength: float = 1.0


class _Stored(msgspec.Struct, forbid_unknown_fields=True):
    without: list[str] = msgspec.field(default_factory=list)
    mean_of: str = ""
    steering: list[_StoredSteering] = msgspec.field(default_factory=list)


def parse_components(text: str) -> tuple[Component, ...]:
    """Reads parts with commas or spaces between them: "3.1, 5.mlp 6".

    Raises:
        UserError: when one of them is none.
    """
    return tuple(map(Component.parse, re.split(r"[,\s]+", text.strip(", \t\n")))) if text.strip(", \t\n") else ()


def join_components(parts: Iterable[Component]) -> str:
    """Parts as `parse_components` reads them."""
    return ", ".join(part.id for part in parts)


def _order(part: Component) -> tuple[int, int, int]:
    """By layer: its heads, then its MLP."""
    return part.layer, int(part.mlp), -1 if part.head is None else part.head


def _check_length(text: str) -> None:
    if len(text) > LONGEST:
        raise UserError(f"A text that changes the model may have {LONGEST:,} characters; this one has {len(text):,}.")


WHOLE: Final = Intervention()
"""Changes nothing."""
