"""Weights and layers of a model in float32, whatever precision it has: quantised ones are what they stand for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gptdesk.gpt2.model import GPT2, Block
from gptdesk.inference.in_torch.dequantize import dequantize_rows
from gptdesk.inference.in_torch.quantized import QuantizedEmbedding, QuantizedLinear

_WEIGHTS_AT_ONCE: Final = 2**22
"""Weights of a table of tokens that are converted at a time: 16 MB of float32."""


def block_of(model: GPT2, layer: int) -> Block:
    """The block of that index, from 0."""
    block = model.h[layer]
    assert isinstance(block, Block)
    return block


def rows_of(module: nn.Module, first: int, last: int) -> Tensor:
    """Rows ``first`` to ``last`` of the matrix of a linear layer or an embedding, (last - first, columns) float32."""
    if isinstance(module, QuantizedLinear):
        return module.dequantize(first, last)
    if isinstance(module, QuantizedEmbedding):
        return dequantize_rows(module.qweight[first:last], module.scales[first:last])
    assert isinstance(module, nn.Linear | nn.Embedding)
    return module.weight.detach()[first:last].float()


def row_count(module: nn.Module) -> int:
    """Rows of the matrix of a linear layer or an embedding."""
    matrix = module.qweight if isinstance(module, QuantizedLinear | QuantizedEmbedding) else module.weight
    assert isinstance(matrix, Tensor)
    return len(matrix)


def matrix_of(module: nn.Module) -> Tensor:
    """The matrix of a linear layer, (outputs, inputs) float32, or of an embedding, (rows, columns)."""
    return rows_of(module, 0, row_count(module))


def table_parts(module: nn.Module, width: int) -> Iterator[tuple[int, Tensor]]:
    """The matrix of a head or an embedding some rows at a time: the first row's index, and the rows in float32."""
    rows = max(1, _WEIGHTS_AT_ONCE // width)
    for first in range(0, row_count(module), rows):
        yield first, rows_of(module, first, min(first + rows, row_count(module)))


def bias_of(module: nn.Module) -> Tensor | None:
    """The bias of a layer in float32, (outputs); None where it has none."""
    bias = module.bias
    return bias.detach().float() if isinstance(bias, Tensor) else None


def linear(module: nn.Module, x: Tensor) -> Tensor:
    """A linear layer, float32 (..., inputs) to (..., outputs)."""
    if isinstance(module, nn.Linear) and module.weight.dtype != torch.float32:
        return F.linear(x, module.weight.float(), bias_of(module))
    y: Tensor = module(x)
    return y


def layer_norm(module: nn.LayerNorm, x: Tensor) -> Tensor:
    """A layer norm, float32 (..., C) to (..., C)."""
    normalised: Tensor = F.layer_norm(x, module.normalized_shape, module.weight.float(), bias_of(module), module.eps)
    return normalised


def unembed(model: GPT2, x: Tensor, vocab_size: int) -> Tensor:
    """Final layer norm and head: residual streams (..., C) to logits (..., vocab_size) float32."""
    return linear(model.lm_head, layer_norm(model.ln_f, x))[..., :vocab_size]


def split_heads(x: Tensor, n_head: int) -> Tensor:
    """(..., R, C) to (..., nh, R, hs)."""
    return x.view(*x.shape[:-1], n_head, -1).transpose(-3, -2)


def join_heads(x: Tensor) -> Tensor:
    """(..., nh, R, hs) to (..., R, C)."""
    return x.transpose(-3, -2).flatten(-2)


def head_matrices(model: GPT2, layer: int) -> Tensor:
    """The part of the output matrix of a block's attention that belongs to each head, W_O: (nh, hs, C) float32.

    Values of a head, (..., hs), times its matrix are what it adds to the residual stream (Elhage et al. 2021, "A
    Mathematical Framework for Transformer Circuits", "Attention heads as independent and additive").
    """
    attention = block_of(model, layer).attn
    by_head: Tensor = matrix_of(attention.c_proj).unflatten(1, (attention.n_head, -1))  # (C, nh, hs)
    return by_head.permute(1, 2, 0)
