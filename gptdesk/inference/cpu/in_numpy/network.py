"""GPT-2 in NumPy, on a CPU: reads prompts, and decodes until compiled code is there.

It computes what `gptdesk.gpt2.model.GPT2` computes, with float32 activations. Shapes in comments are as there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.interrupted import Interrupted
from gptdesk.gpt2.layout import EMBEDDING, HEAD, POSITIONS
from gptdesk.inference.block_sizes import PROMPT_CHUNK
from gptdesk.inference.cpu.activations import ACTIVATE
from gptdesk.inference.cpu.in_numpy.cache import CPUCache
from gptdesk.inference.cpu.weights import WEIGHTS_AT_ONCE, Weights

Floats = npt.NDArray[np.float32]


class CPUNetwork:
    """See `gptdesk.inference.network.Network`.

    Args:
        weights: of the model; must not change.
    """

    backend: Final = "numpy"
    device: Final = "cpu"
    prompt_chunk: Final = PROMPT_CHUNK

    def __init__(self, weights: Weights) -> None:
        self.weights = weights

    @property
    def config(self) -> GPT2Config:
        return self.weights.config

    @property
    def precision(self) -> str:
        return self.weights.precision

    @property
    def memory(self) -> int:
        return self.weights.memory.nbytes

    def new_cache(self) -> CPUCache:
        return CPUCache(self.config)

    def new_hidden(self) -> Floats:
        return np.empty((self.config.n_positions, self.config.n_embd), np.float32)

    def join(self, parts: Sequence[Floats]) -> Floats:
        return np.concatenate(parts)

    def next_logits(self, hidden: Floats) -> Floats:
        logits: Floats = self.logits(hidden[-1:], self.config.vocab_size)[0]
        return logits

    def logits(self, hidden: Floats, vocab_size: int) -> Floats:
        return multiply(hidden, self.weights, HEAD, rows=vocab_size)

    def read(self, ids: Sequence[int], cache: CPUCache, *, interrupted: Callable[[], bool] | None = None) -> Floats:
        past, T = cache.length, len(ids)
        assert past + T <= self.config.n_positions, "longer than the context"
        positions = self.weights.vector(POSITIONS)
        assert positions is not None
        x = self.weights.matrix(EMBEDDING).floats(np.array(ids, np.int64))  # (T, C)
        x += positions[past : past + T]
        for layer in range(self.config.n_layer):
            if interrupted is not None and interrupted():
                raise Interrupted
            block = f"h.{layer}"
            x += self._attention(self._norm(x, f"{block}.ln_1"), layer, cache)
            inner = self._linear(self._norm(x, f"{block}.ln_2"), f"{block}.mlp.c_fc")
            x += self._linear(ACTIVATE[self.config.activation.case](inner), f"{block}.mlp.c_proj")
        cache.length += T
        return self._norm(x, "ln_f")

    def _attention(self, x: Floats, layer: int, cache: CPUCache) -> Floats:
        config, (T, C) = self.config, x.shape
        past, S = cache.length, cache.length + T
        qkv = self._linear(x, f"h.{layer}.attn.c_attn").reshape(T, 3, config.n_head, config.head_size)
        q, k, v = qkv.transpose(1, 2, 0, 3)  # (nh, T, hs)
        cache.keys[layer, :, past:S] = k
        cache.values[layer, :, past:S] = v
        scores: Floats = q @ cache.keys[layer, :, :S].transpose(0, 2, 1)  # (nh, T, S)
        scores *= np.float32(config.attention_scale(layer))
        if T > 1:  # new token i attends to the columns 0 ... past + i
            scores[:, :, past:] += np.triu(np.full((T, T), -np.inf, np.float32), 1)
        scores -= scores.max(axis=-1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=-1, keepdims=True)
        y: Floats = (scores @ cache.values[layer, :, :S]).transpose(1, 0, 2).reshape(T, C)  # heads concatenated
        return self._linear(y, f"h.{layer}.attn.c_proj")

    def _linear(self, x: Floats, layer: str) -> Floats:
        y = multiply(x, self.weights, f"{layer}.weight")
        bias = self.weights.vector(f"{layer}.bias")
        if bias is not None:
            y += bias
        return y

    def _norm(self, x: Floats, layer: str) -> Floats:
        """Layer norm (Ba et al. 2016)."""
        centred: Floats = x - x.mean(axis=-1, keepdims=True)
        variance = np.square(centred).mean(axis=-1, keepdims=True)
        centred /= np.sqrt(variance + np.float32(self.config.layer_norm_epsilon))
        weight, bias = self.weights.vector(f"{layer}.weight"), self.weights.vector(f"{layer}.bias")
        assert weight is not None
        centred *= weight
        if bias is not None:
            centred += bias
        return centred


def multiply(x: Floats, weights: Weights, name: str, *, rows: int | None = None) -> Floats:
    """Products of vectors with the first rows of a matrix, not given: with all: (T, columns) to (T, rows) float32.

    Makes float32 of a part of the matrix at a time, which T vectors share.
    """
    matrix: Any = weights.matrix(name)
    rows = matrix.rows if rows is None else rows
    y = np.empty((len(x), rows), np.float32)
    count = max(1, WEIGHTS_AT_ONCE // matrix.columns)
    for first in range(0, rows, count):
        part = slice(first, min(first + count, rows))
        if matrix.values.dtype == np.int8:  # scaling products is less work than scaling weights
            np.matmul(x, matrix.values[part].astype(np.float32).T, out=y[:, part])
            y[:, part] *= matrix.scales[part]
        else:
            np.matmul(x, matrix.floats(part).T, out=y[:, part])
    return y
