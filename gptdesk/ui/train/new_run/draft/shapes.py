"""Model sizes that the slider offers for training from scratch, up to GPT-2 XL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from gptdesk.errors import UserError
from gptdesk.gpt2.config import VOCAB_SIZE, GPT2Config


@dataclass(frozen=True)
class Shape:
    """Layers, heads and width of a model."""

    n_layer: int
    n_head: int
    n_embd: int


SHAPES: Final = (
    Shape(2, 2, 64),
    Shape(4, 4, 128),
    Shape(6, 6, 192),
    Shape(6, 6, 384),
    Shape(8, 8, 512),
    Shape(12, 12, 768),
    Shape(24, 16, 1024),
    Shape(36, 20, 1280),
    Shape(48, 25, 1600),
)


def shape_of(model: Mapping[str, Any]) -> Shape:
    """Reads the shape from the values of the section ``model``."""
    return Shape(model["n_layer"], model["n_head"], model["n_embd"])


def nearest(model: Mapping[str, Any], vocab_size: int = VOCAB_SIZE) -> int:
    """Index of the shape in `SHAPES` that is nearest in size to the values of the section ``model``."""
    wanted = count_parameters(model, shape_of(model), vocab_size)
    return min(range(len(SHAPES)), key=lambda i: abs(count_parameters(model, SHAPES[i], vocab_size) - wanted))


def count_parameters(model: Mapping[str, Any], shape: Shape, vocab_size: int = VOCAB_SIZE) -> int:
    """Parameters of a model of that shape with the other values of the section ``model``; 0 for an impossible one.

    Args:
        vocab_size: tokens in the vocabulary of the data.
    """
    try:
        return GPT2Config(
            vocab_size=vocab_size,
            n_positions=model["n_positions"],
            n_embd=shape.n_embd,
            n_layer=shape.n_layer,
            n_head=1,  # does not change the count, and divides every width
            bias=model["bias"],
        ).num_parameters()
    except UserError:
        return 0
