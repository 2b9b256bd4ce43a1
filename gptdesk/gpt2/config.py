"""GPT-2's configuration: frozen, validated, read from and written to the hub's ``config.json``. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from typing import Annotated, Any, Final, get_type_hints

import msgspec

from gptdesk.bounded_read import convert
from gptdesk.errors import UserError, brief
from gptdesk.gpt2.activations import Activation, find_activation

VOCAB_SIZE: Final = 50257
"""Tokens in GPT-2's byte-pair encoding: 256 bytes, 50,000 merges and ``<|endoftext|>``."""

END_OF_TEXT: Final = 50256
"""Id of ``<|endoftext|>``, which OpenAI put between documents."""

_REQUIRED: Final = ("vocab_size", "n_positions", "n_embd", "n_layer", "n_head")
"""Fields that a ``config.json`` must hold; the others may be left out."""


def _whole(largest: int) -> msgspec.Meta:
    """The range of a size. No GPT-2 comes near ``largest``; a config beyond it is a broken or hostile file."""
    return msgspec.Meta(ge=1, le=largest, description=f"be a whole number from 1 to {largest:,}")


_INNER = _whole(1_048_576)
_FRACTION = msgspec.Meta(gt=0, lt=1, description="lie between 0 and 1")
_NAME = msgspec.Meta(description="be a name")
_SWITCH = msgspec.Meta(description="be true or false")


@dataclass(frozen=True, kw_only=True)
class GPT2Config:
    """Shape of a GPT-2, with Hugging Face's names.

    Attributes:
        vocab_size: rows of the token embedding, counted in tokens.
        n_positions: context length in tokens.
        n_embd: width of the residual stream.
        n_layer: number of blocks.
        n_head: attention heads in each block; divides ``n_embd``.
        n_inner: width of the MLP; ``None`` means ``4 * n_embd``.
        layer_norm_epsilon: added to the variance in every layer norm.
        bias: whether linear layers and layer norms have biases (OpenAI's do).
        tie_word_embeddings: whether the head shares its weights with the token embedding (OpenAI's does).
        activation_function: between the two linear layers of the MLP; a name of `ACTIVATIONS`.
        scale_attn_weights: whether attention scores are divided by the square root of the head size.
        scale_attn_by_inverse_layer_idx: whether they are also divided by the number of the block, counted from 1.
        reorder_and_upcast_attn: whether attention is computed in float32 when the weights have 16 bits.

    Raises:
        UserError: when the numbers do not make a model, or the activation is unknown.
    """

    vocab_size: Annotated[int, _whole(1_000_000)] = VOCAB_SIZE
    n_positions: Annotated[int, _whole(131_072)] = 1024
    n_embd: Annotated[int, _whole(65_536)] = 768
    n_layer: Annotated[int, _whole(1_000)] = 12
    n_head: Annotated[int, _whole(1_024)] = 12
    n_inner: Annotated[Annotated[int, _INNER] | None, msgspec.Meta(description=_INNER.description)] = None
    layer_norm_epsilon: Annotated[float, _FRACTION] = 1e-5
    bias: Annotated[bool, _SWITCH] = True
    tie_word_embeddings: Annotated[bool, _SWITCH] = True
    activation_function: Annotated[str, _NAME] = "gelu_new"
    scale_attn_weights: Annotated[bool, _SWITCH] = True
    scale_attn_by_inverse_layer_idx: Annotated[bool, _SWITCH] = False
    reorder_and_upcast_attn: Annotated[bool, _SWITCH] = False

    def __post_init__(self) -> None:
        for name, kind in _kinds().items():
            object.__setattr__(self, name, _checked(name, getattr(self, name), kind))
        if self.n_embd % self.n_head:
            raise UserError(f"n_embd ({self.n_embd}) must be a multiple of n_head ({self.n_head}).")
        find_activation(self.activation_function)

    @property
    def head_size(self) -> int:
        return self.n_embd // self.n_head

    @property
    def inner_size(self) -> int:
        return self.n_inner or 4 * self.n_embd

    @property
    def activation(self) -> Activation:
        """The entry of ``activation_function`` in the table."""
        return find_activation(self.activation_function)

    def attention_scale(self, layer: int) -> float:
        """Factor of the attention scores before the softmax, in the block of that index (from 0)."""
        scale = 1.0 / math.sqrt(self.head_size) if self.scale_attn_weights else 1.0
        return scale / (layer + 1) if self.scale_attn_by_inverse_layer_idx else scale

    def num_parameters(self) -> int:
        """Number of weights, the tied head counted once: 124,439,808 for the smallest of OpenAI's."""
        biases = self.bias
        linear = 4 * self.n_embd**2 + 2 * self.n_embd * self.inner_size
        linear_bias = biases * (5 * self.n_embd + self.inner_size)
        norm = self.n_embd * (1 + biases)
        block = linear + linear_bias + 2 * norm
        heads = 1 if self.tie_word_embeddings else 2
        return heads * self.vocab_size * self.n_embd + self.n_positions * self.n_embd + self.n_layer * block + norm

    def padded_to(self, multiple: int) -> GPT2Config:
        """The same model with its vocabulary padded to a multiple, which makes a GPU compute the head faster."""
        padded = -(-self.vocab_size // multiple) * multiple
        return replace(self, vocab_size=padded)

    def to_json(self) -> dict[str, Any]:
        """The contents of a ``config.json`` that ``transformers`` reads."""
        return {
            "architectures": ["GPT2LMHeadModel"],
            "model_type": "gpt2",
            "attn_pdrop": 0.0,
            "embd_pdrop": 0.0,
            "resid_pdrop": 0.0,
            "bos_token_id": END_OF_TEXT if self.vocab_size > END_OF_TEXT else None,
            "eos_token_id": END_OF_TEXT if self.vocab_size > END_OF_TEXT else None,
            "n_ctx": self.n_positions,
            "use_cache": True,
            **asdict(self),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> GPT2Config:
        """Reads the contents of a ``config.json``.

        Raises:
            UserError: when it describes another architecture or a variant of GPT-2 that we would compute wrongly.
        """
        if not isinstance(values, Mapping):
            raise UserError("config.json must hold one JSON object.")
        if values.get("model_type") != "gpt2":
            raise UserError(f"The model's type is {brief(values.get('model_type'))}; only GPT-2 models can be used.")
        if values.get("add_cross_attention", False) is not False:
            shown = brief(values["add_cross_attention"])
            raise UserError(f"The model sets add_cross_attention to {shown}, which is not supported.")
        missing = [name for name in _REQUIRED if name not in values]
        if missing:
            raise UserError(f"config.json lacks {', '.join(missing)}.")
        return cls(**{one.name: values[one.name] for one in fields(cls) if one.name in values})


@cache
def _kinds() -> Mapping[str, Any]:
    """The type of each field, with its limits and the sentence that names them."""
    return get_type_hints(GPT2Config, include_extras=True)


def _checked(name: str, value: Any, kind: Any) -> Any:
    """``value`` in the field's type: a whole number becomes a float where one is asked for, and nothing else changes.

    Raises:
        UserError: when it has another type or is out of range.
    """
    try:
        return convert(value, kind)
    except msgspec.ValidationError:
        raise UserError(f"{name} must {kind.__metadata__[0].description}, not {brief(value)}.") from None


OPENAI_SIZES: Final[Mapping[str, GPT2Config]] = {
    "gpt2": GPT2Config(n_layer=12, n_head=12, n_embd=768),
    "gpt2-medium": GPT2Config(n_layer=24, n_head=16, n_embd=1024),
    "gpt2-large": GPT2Config(n_layer=36, n_head=20, n_embd=1280),
    "gpt2-xl": GPT2Config(n_layer=48, n_head=25, n_embd=1600),
}
"""The four models that OpenAI released, by the names they have on the hub."""
