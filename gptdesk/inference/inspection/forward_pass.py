"""One forward pass through a text that keeps what every view of it reads.

Shapes: T tokens, L layers, nh heads, hs head size, C ``n_embd``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gptdesk.errors import UserError
from gptdesk.gpt2.interrupted import Interrupted
from gptdesk.gpt2.model import GPT2
from gptdesk.inference.inspection.weights import (
    block_of,
    join_heads,
    layer_norm,
    linear,
    split_heads,
)


def never() -> bool:
    """Interrupts nothing."""
    return False


@dataclass(frozen=True, eq=False)
class ForwardPass:
    """What a model computed of a text, in float32 on the model's device.

    Patterns and MLP activations follow from what is kept by one product, and are computed when asked for: kept, those
    of gpt2-xl would take 6 GB at 1,024 tokens.

    Attributes:
        model: in evaluation mode. Quantised weights are the float32 numbers that they stand for.
        ids: (T) int64.
        vocab_size: tokens that count; rows of the head behind them are padding.
        residual: (L + 1, T, C), the residual stream after the embedding and after each block, before the final norm.
        queries, keys, values: (L, nh, T, hs).
        mixed: (L, nh, T, hs), the values that each head has mixed by its pattern.
        attention: (L, T, C), what the attention of each block adds to the residual stream.
        mlp: (L, T, C), what the MLP of each block adds.
    """

    model: GPT2
    ids: Tensor
    vocab_size: int
    residual: Tensor
    queries: Tensor
    keys: Tensor
    values: Tensor
    mixed: Tensor
    attention: Tensor
    mlp: Tensor

    @property
    def n_layer(self) -> int:
        return len(self.attention)

    @property
    def n_head(self) -> int:
        return self.queries.shape[1]

    def middle(self, layer: int) -> Tensor:
        """The residual stream between attention and MLP of a block, (T, C)."""
        return self.residual[layer] + self.attention[layer]

    @torch.inference_mode()
    def pattern(self, layer: int, first: int = 0, last: int | None = None) -> Tensor:
        """Attention of each head of a layer, softmax(scale q k^T): (nh, queries, T), rows are queries and sum to 1.

        Args:
            layer: from 0.
            first, last: the first query, and the one behind the last; not given: all.
        """
        queries = self.queries[layer, :, first:last]
        scores = queries @ self.keys[layer].transpose(-1, -2) * block_of(self.model, layer).attn.scale
        future = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(first + 1)
        return scores.masked_fill(future, -math.inf).softmax(-1)

    @torch.inference_mode()
    def activations(self, layer: int, first: int = 0, last: int | None = None) -> Tensor:
        """Neurons of a layer's MLP behind their activation function, (tokens, inner size); arguments as `pattern`."""
        block = block_of(self.model, layer)
        normalised = layer_norm(block.ln_2, self.middle(layer)[first:last])
        active: Tensor = block.mlp.activation(linear(block.mlp.c_fc, normalised))
        return active


def check_text(model: GPT2, ids: Sequence[int], vocab_size: int) -> None:
    """Checks that a model can read a text at once.

    Raises:
        UserError: when the text is empty, longer than the context, or has a token that the model does not know.
    """
    if not ids:
        raise UserError("There is no text to look into; type one.")
    if len(ids) > model.config.n_positions:
        raise UserError(
            f"The text has {len(ids):,} tokens, more than the model's context of {model.config.n_positions:,}; "
            "shorten it."
        )
    unknown = next((id for id in ids if not 0 <= id < vocab_size), None)
    if unknown is not None:
        raise UserError(f"The text has the token {unknown}, but the model knows only 0 to {vocab_size - 1}.")


@torch.inference_mode()
def forward_pass(
    model: GPT2, ids: Sequence[int], *, vocab_size: int | None = None, interrupted: Callable[[], bool] = never
) -> ForwardPass:
    """Reads a text and keeps what the views of it need: some 8 L T C float32 numbers.

    Args:
        model: in evaluation mode, in any precision.
        ids: T tokens.
        vocab_size: tokens that count; not given: all rows of the head.
        interrupted: asked before each block.

    Raises:
        UserError: as for `check_text`.
        Interrupted: when ``interrupted`` returned True.
    """
    config, device = model.config, model.wpe.weight.device
    vocab_size = vocab_size or config.vocab_size
    check_text(model, ids, vocab_size)
    T, L, C = len(ids), config.n_layer, config.n_embd
    tokens = torch.tensor(list(ids), device=device)
    residual = torch.empty(L + 1, T, C, device=device)
    queries, keys, values, mixed = torch.empty(4, L, config.n_head, T, config.head_size, device=device)
    attention, mlp = torch.empty(2, L, T, C, device=device)
    residual[0] = model.wte(tokens).float() + model.wpe.weight[:T].float()
    for layer in range(L):
        if interrupted():
            raise Interrupted
        block = block_of(model, layer)
        q, k, v = linear(block.attn.c_attn, layer_norm(block.ln_1, residual[layer])).split(C, dim=-1)
        for kept, part in ((queries, q), (keys, k), (values, v)):
            kept[layer] = split_heads(part, config.n_head)
        mixed[layer] = block.attn.attend(queries[layer][None], keys[layer][None], values[layer][None], causal=True)[0]
        attention[layer] = linear(block.attn.c_proj, join_heads(mixed[layer]))
        middle = residual[layer] + attention[layer]
        hidden = block.mlp.activation(linear(block.mlp.c_fc, layer_norm(block.ln_2, middle)))
        mlp[layer] = linear(block.mlp.c_proj, hidden)
        residual[layer + 1] = middle + mlp[layer]
    return ForwardPass(model, tokens, vocab_size, residual, queries, keys, values, mixed, attention, mlp)
