"""A GPT-2 whose matrices are kept in 8 or 4 bits: smaller in memory, and read faster where memory is what limits.

In int4 embedding and head are int8: they lose most by rounding.

Matrices are multiplied as the float32 ones that they stand for, made a part at a time. That suits prompts, where many
tokens share the work; `decoder` reads the numbers themselves.
"""

from __future__ import annotations

import math
import threading
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from gptdesk.devices import QUANTIZED
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.empty_model import empty_model
from gptdesk.gpt2.layout import EMBEDDING, HEAD, is_transposed, tensor_shapes
from gptdesk.gpt2.model import GPT2
from gptdesk.inference.cpu.group_size import GROUP
from gptdesk.inference.cpu.linear import linear
from gptdesk.inference.cpu.quantize import (
    dequantize_groups,
    dequantize_rows,
    groups_in,
    quantize_groups,
    quantize_rows,
)

_SCALES: Final = ".scales"

_WEIGHTS_AT_ONCE: Final = 2**21
"""Float32 weights that are made at once: 8 MB, which a processor's cache holds until they are multiplied."""


_memory = threading.local()


def _scratch(rows: int, columns: int) -> Tensor:
    """Float32 memory of this thread, which the next call hands out again."""
    if not hasattr(_memory, "numbers") or _memory.numbers.numel() < rows * columns:
        _memory.numbers = torch.empty(max(rows * columns, _WEIGHTS_AT_ONCE))
    numbers: Tensor = _memory.numbers[: rows * columns].view(rows, columns)
    return numbers


class QuantizedLinear(nn.Module):
    """What `nn.Linear` is, for inference.

    Attributes:
        in_features: columns, out_features: rows.
        numbers, scales: see `quantize`.
        bias: (rows) float32, or ``None``.
    """

    def __init__(self, numbers: Tensor, scales: Tensor, bias: Tensor | None, in_features: int) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = len(numbers)
        self.numbers: Tensor
        self.scales: Tensor
        self.bias: Tensor | None
        self.register_buffer("numbers", numbers)
        self.register_buffer("scales", scales)
        self.register_buffer("bias", bias)

    @property
    def precision(self) -> str:
        return "int8" if self.numbers.dtype == torch.int8 else "int4"

    def forward(self, x: Tensor) -> Tensor:
        """(..., columns) float32 to (..., rows) float32."""
        rows = max(1, _WEIGHTS_AT_ONCE // self.in_features)
        parts = [
            self._products(x, first, min(first + rows, self.out_features))
            for first in range(0, self.out_features, rows)
        ]
        return torch.cat(parts, dim=-1) if len(parts) > 1 else parts[0]

    def _products(self, x: Tensor, first: int, last: int) -> Tensor:
        bias = None if self.bias is None else self.bias[first:last]
        if self.precision == "int4":
            return linear(x, self.dequantize(first, last), bias)
        # In memory that stays: fresh one would cost as much as the rounding. The scales are for fewer numbers later.
        numbers = _scratch(last - first, self.in_features).copy_(self.numbers[first:last])
        y = linear(x, numbers, None).mul_(self.scales[first:last])
        return y if bias is None else y.add_(bias)

    def dequantize(self, first: int, last: int) -> Tensor:
        """Rows ``first`` to ``last`` of the weights, (last - first, columns) float32."""
        numbers, scales = self.numbers[first:last], self.scales[first:last]
        if self.precision == "int8":
            return dequantize_rows(numbers, scales)
        return dequantize_groups(numbers, scales, self.in_features)


class QuantizedEmbedding(nn.Module):
    """What `nn.Embedding` is, for inference: int8 ``numbers``, (V, C), and float32 ``scales``, (V)."""

    def __init__(self, numbers: Tensor, scales: Tensor) -> None:
        super().__init__()
        self.numbers: Tensor
        self.scales: Tensor
        self.register_buffer("numbers", numbers)
        self.register_buffer("scales", scales)

    def forward(self, ids: Tensor) -> Tensor:
        """(...) int64 to (..., C) float32."""
        return self.numbers[ids].float().mul_(self.scales[ids][..., None])


class QuantizedWeights:
    """All weights of a quantised model, in one piece of memory: so they are read and written at once, and NumPy asks
    for huge pages for it, with which the processor reads it a fifth faster.

    Attributes:
        config, precision: of the model.
        memory: (bytes) uint8; what it holds follows from the two above. Not written yet.
    """

    def __init__(self, config: GPT2Config, precision: str) -> None:
        self.config = config
        self.precision = precision
        places = _places(config, precision)
        self.memory = np.empty(sum(place.padded for place in places), np.uint8)
        parts = torch.from_numpy(self.memory).split([place.padded for place in places])
        self._tensors = {
            place.name: part[: place.size].view(place.dtype).view(place.shape)
            for place, part in zip(places, parts, strict=True)
        }

    @staticmethod
    def size(config: GPT2Config, precision: str) -> int:
        """Bytes of ``memory``."""
        return sum(place.padded for place in _places(config, precision))

    def fill(self, name: str, weights: Tensor) -> None:
        """Takes over a tensor, float of any kind, by our name and in our shape."""
        target = self._tensors[name]
        if not is_matrix(name):
            target.copy_(weights)
        elif target.dtype == torch.int8:
            quantize_rows(weights, target, self._tensors[name + _SCALES])
        else:
            quantize_groups(weights, target, self._tensors[name + _SCALES])

    def model(self) -> GPT2:
        """The model that these weights, which it shares, make."""
        model = empty_model(self.config)
        for name, child in list(model.named_modules()):
            if isinstance(child, nn.Linear):
                stored = EMBEDDING if name == "lm_head" and self.config.tie_word_embeddings else f"{name}.weight"
                bias = self._tensors[f"{name}.bias"] if child.bias is not None else None
                numbers, scales = self._tensors[stored], self._tensors[stored + _SCALES]
                model.set_submodule(name, QuantizedLinear(numbers, scales, bias, child.in_features))
        model.set_submodule("wte", QuantizedEmbedding(self._tensors[EMBEDDING], self._tensors[EMBEDDING + _SCALES]))
        rest = {name: self._tensors[name] for name, _ in model.named_parameters()}
        model.load_state_dict(rest, strict=False, assign=True)
        return model.eval().requires_grad_(False)


def quantize_model(model: GPT2, precision: str) -> GPT2:
    """A copy in ``precision`` of a model on the CPU."""
    weights = QuantizedWeights(model.config, precision)
    for name, weight in model.named_parameters():
        weights.fill(name, weight.detach())
    return weights.model()


def precision_of(model: GPT2) -> str:
    """In which a model's matrices are kept: "float32", "bfloat16", "float16", "int8" or "int4"."""
    for module in model.h.modules():
        if isinstance(module, QuantizedLinear):
            return module.precision
    return str(model.wpe.weight.dtype).removeprefix("torch.")


def is_matrix(name: str) -> bool:
    """Whether a weight is quantised: all that tokens are multiplied with, and the embedding."""
    return is_transposed(name) or name in (EMBEDDING, HEAD)


class _Place(NamedTuple):
    """A tensor in the memory of `QuantizedWeights`."""

    name: str
    dtype: torch.dtype
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        return self.dtype.itemsize * math.prod(self.shape)

    @property
    def padded(self) -> int:
        """With a few bytes more, so that what follows begins at a line of the processor's cache."""
        return -(-self.size // 64) * 64


def _places(config: GPT2Config, precision: str) -> list[_Place]:
    assert precision in QUANTIZED
    places: list[_Place] = []
    for name, shape in tensor_shapes(config).items():
        if not is_matrix(name):
            places.append(_Place(name, torch.float32, shape))
        elif precision == "int8" or name in (EMBEDDING, HEAD):
            places += [_Place(name, torch.int8, shape), _Place(name + _SCALES, torch.float32, shape[:1])]
        else:
            rows, groups = shape[0], groups_in(shape[1])
            places.append(_Place(name, torch.uint8, (rows, groups * GROUP // 2)))
            places.append(_Place(name + _SCALES, torch.float32, (rows, groups)))
    return places
