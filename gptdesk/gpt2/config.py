"""GPT-2's configuration: frozen, validated, read from and written to the hub's ``config.json``. Imports no torch."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from gptdesk.errors import UserError

VOCAB_SIZE: Final = 50257
"""Tokens in GPT-2's byte-pair encoding: 256 bytes, 50,000 merges and ``<|endoftext|>``."""

END_OF_TEXT: Final = 50256
"""Id of ``<|endoftext|>``, which OpenAI put between documents."""

_TANH_GELU = ("gelu_new", "gelu_pytorch_tanh", "gelu_fast")

# Limits that no GPT-2 comes near; a config beyond them is a broken or hostile file, not a model.
_LARGEST = {"vocab_size": 1_000_000, "n_positions": 131_072, "n_embd": 65_536, "n_layer": 1_000, "n_head": 1_024}


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

    Raises:
        UserError: when the numbers do not make a model.
    """

    vocab_size: int = VOCAB_SIZE
    n_positions: int = 1024
    n_embd: int = 768
    n_layer: int = 12
    n_head: int = 12
    n_inner: int | None = None
    layer_norm_epsilon: float = 1e-5
    bias: bool = True
    tie_word_embeddings: bool = True

    def __post_init__(self) -> None:
        for name, largest in _LARGEST.items():
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= largest:
                raise UserError(f"{name} must be a whole number from 1 to {largest:,}, not {_shown(value)}.")
        if self.n_inner is not None and (
            not isinstance(self.n_inner, int)
            or isinstance(self.n_inner, bool)
            or not 1 <= self.n_inner <= 16 * _LARGEST["n_embd"]
        ):
            raise UserError(f"n_inner must be a whole number above 0, not {_shown(self.n_inner)}.")
        if self.n_embd % self.n_head:
            raise UserError(f"n_embd ({self.n_embd}) must be a multiple of n_head ({self.n_head}).")
        if not isinstance(self.layer_norm_epsilon, float) or not 0 < self.layer_norm_epsilon < 1:
            raise UserError(f"layer_norm_epsilon must lie between 0 and 1, not {_shown(self.layer_norm_epsilon)}.")

    @property
    def head_size(self) -> int:
        return self.n_embd // self.n_head

    @property
    def inner_size(self) -> int:
        return self.n_inner or 4 * self.n_embd

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
            "activation_function": "gelu_new",
            "attn_pdrop": 0.0,
            "embd_pdrop": 0.0,
            "resid_pdrop": 0.0,
            "bias": self.bias,
            "bos_token_id": END_OF_TEXT if self.vocab_size > END_OF_TEXT else None,
            "eos_token_id": END_OF_TEXT if self.vocab_size > END_OF_TEXT else None,
            "layer_norm_epsilon": self.layer_norm_epsilon,
            "n_ctx": self.n_positions,
            "n_embd": self.n_embd,
            "n_head": self.n_head,
            "n_inner": self.n_inner,
            "n_layer": self.n_layer,
            "n_positions": self.n_positions,
            "scale_attn_weights": True,
            "tie_word_embeddings": self.tie_word_embeddings,
            "use_cache": True,
            "vocab_size": self.vocab_size,
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
            raise UserError(f"The model's type is {_shown(values.get('model_type'))}; only GPT-2 models can be used.")
        activation = values.get("activation_function", "gelu_new")
        if activation not in _TANH_GELU:
            raise UserError(f"The model uses the activation {_shown(activation)}; only GPT-2's tanh GELU is supported.")
        for name, expected in {
            "scale_attn_weights": True,
            "scale_attn_by_inverse_layer_idx": False,
            "add_cross_attention": False,
        }.items():
            if values.get(name, expected) is not expected:
                raise UserError(f"The model sets {name} to {_shown(values[name])}, which is not supported.")
        fields = ("vocab_size", "n_positions", "n_embd", "n_layer", "n_head")
        missing = [name for name in fields if name not in values]
        if missing:
            raise UserError(f"config.json lacks {', '.join(missing)}.")
        epsilon = values.get("layer_norm_epsilon", 1e-5)
        if isinstance(epsilon, int) and not isinstance(epsilon, bool) and abs(epsilon) < 2:  # the rest is refused below
            epsilon = float(epsilon)
        for name in ("bias", "tie_word_embeddings"):
            if not isinstance(values.get(name, True), bool):
                raise UserError(f"{name} must be true or false, not {_shown(values[name])}.")
        return cls(
            **{name: values[name] for name in fields},
            n_inner=values.get("n_inner"),
            layer_norm_epsilon=epsilon,
            bias=values.get("bias", True),
            tie_word_embeddings=values.get("tie_word_embeddings", True),
        )


def _shown(value: Any) -> str:
    """A value from a file, cut short: a stranger's may have a million characters."""
    short = reprlib.Repr()
    short.maxlevel = 1
    return short.repr(value)


OPENAI_SIZES: Final[Mapping[str, GPT2Config]] = {
    "gpt2": GPT2Config(n_layer=12, n_head=12, n_embd=768),
    "gpt2-medium": GPT2Config(n_layer=24, n_head=16, n_embd=1024),
    "gpt2-large": GPT2Config(n_layer=36, n_head=20, n_embd=1280),
    "gpt2-xl": GPT2Config(n_layer=48, n_head=25, n_embd=1600),
}
"""The four models that OpenAI released, by the names they have on the hub."""
