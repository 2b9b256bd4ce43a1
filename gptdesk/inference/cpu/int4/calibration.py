"""Quantises a network to int4 block by block, each matrix for the inputs that it gets in a text.

The text runs through the network while its weights arrive, so that no more than one block is in memory in float32. A
matrix is quantised when its inputs are known, and the text goes on with the quantised weights: later matrices make up
for errors of earlier ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.layout import EMBEDDING, POSITIONS
from gptdesk.inference.cpu.activations import ACTIVATE

Floats = npt.NDArray[np.float32]

Quantize = Callable[[Floats], Floats]
"""Quantises a matrix for inputs, (n, columns); returns the weights, (rows, columns), that its values stand for."""

_QUERIES: Final = 64
"""Positions whose attention is computed at a time: their scores stay in the processor's cache."""


class Calibration:
    """The activations of a text in a network whose weights come in the order of `tensor_shapes`.

    Args:
        config: of the network.
        ids: (B, T), of the text.
    """

    def __init__(self, config: GPT2Config, ids: npt.NDArray[np.int64]) -> None:
        self._config = config
        self.ids = ids
        self._x = np.zeros((*ids.shape, config.n_embd), np.float32)  # residual stream
        self._inputs = self._x  # of the matrix that was quantised last
        self._weights: dict[str, Floats] = {}  # of the current block

    def embed(self, name: str, weights: Floats) -> None:
        """Takes the embeddings of the text's tokens, (B, T, C), or positions, (T, C)."""
        assert name in (EMBEDDING, POSITIONS)
        self._x += weights

    def keep(self, name: str, weights: Floats) -> None:
        """Takes a vector: of a layer norm, or a bias."""
        self._weights[name] = weights

    def quantize(self, name: str, quantize: Quantize) -> None:
        """Quantises a matrix of a block; all tensors before it were given."""
        self._inputs = self._find_inputs(name)
        columns = self._inputs.shape[-1]
        self._weights[name] = quantize(self._inputs.reshape(-1, columns))

    def _find_inputs(self, name: str) -> Floats:
        _, number, *rest = name.split(".")
        block, matrix, layer = f"h.{number}", ".".join(rest), int(number)
        if matrix == "attn.c_attn.weight":
            if layer:
                self._x += self._product(f"h.{layer - 1}.mlp.c_proj")
            return self._normalised(f"{block}.ln_1")
        if matrix == "attn.c_proj.weight":
            return self._attended(self._product(f"{block}.attn.c_attn"), layer)
        if matrix == "mlp.c_fc.weight":
            self._x += self._product(f"{block}.attn.c_proj")
            return self._normalised(f"{block}.ln_2")
        assert matrix == "mlp.c_proj.weight"
        activate, inner = ACTIVATE[self._config.activation.case], self._product(f"{block}.mlp.c_fc")
        for passage in inner:  # one at a time stays in the processor's cache
            passage[:] = activate(passage)
        return inner

    def _product(self, layer: str) -> Floats:
        """The output of a linear layer for its inputs; its weights are no longer needed."""
        y: Floats = self._inputs @ self._weights.pop(f"{layer}.weight").T
        if f"{layer}.bias" in self._weights:
            y += self._weights.pop(f"{layer}.bias")
        return y

    def _normalised(self, norm: str) -> Floats:
        """Layer norm (Ba et al. 2016) of the residual stream."""
        centred: Floats = self._x - self._x.mean(axis=-1, keepdims=True)
        variance = np.square(centred).mean(axis=-1, keepdims=True)
        centred *= self._weights.pop(f"{norm}.weight") / np.sqrt(variance + np.float32(self._config.layer_norm_epsilon))
        if f"{norm}.bias" in self._weights:
            centred += self._weights.pop(f"{norm}.bias")
        return centred

    def _attended(self, qkv: Floats, layer: int) -> Floats:
        """Causal attention of all heads: (B, T, 3 C) to (B, T, C)."""
        config = self._config
        scale = np.float32(config.attention_scale(layer))
        y = np.empty_like(self._x)
        length = qkv.shape[1]
        later = np.triu(np.full((_QUERIES, _QUERIES), -np.inf, np.float32), 1)
        for passage, out in zip(qkv, y, strict=True):
            q, k, v = passage.reshape(length, 3, config.n_head, config.head_size).transpose(1, 2, 0, 3)  # (nh, T, hs)
            for start in range(0, length, _QUERIES):
                end = min(start + _QUERIES, length)
                scores = q[:, start:end] @ k[:, :end].transpose(0, 2, 1)
                scores *= scale
                scores[:, :, start:] += later[: end - start, : end - start]
                scores -= scores.max(axis=-1, keepdims=True)
                np.exp(scores, out=scores)
                scores /= scores.sum(axis=-1, keepdims=True)
                out[start:end] = (scores @ v[:, :end]).transpose(1, 0, 2).reshape(end - start, -1)
        return y
