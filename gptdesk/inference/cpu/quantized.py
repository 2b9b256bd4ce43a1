"""GPT-2 with int8 or int4 matrices: less memory, and faster where memory bandwidth is the limit.

In int4 models embedding and head are int8, because they lose most by rounding.

Products dequantise a part of the matrix at a time to float32. That suits prompts, where many tokens share the work;
`decoder` reads the quantised weights directly.
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
from gptdesk.inference.cpu.dequantize import dequantize_groups, dequantize_rows
from gptdesk.inference.cpu.group_size import GROUP, groups_in
from gptdesk.inference.cpu.int4.calibration import POSITIONS, Calibration
from gptdesk.inference.cpu.int4.rounding import quantize_groups
from gptdesk.inference.cpu.linear import CACHE_LINE, linear
from gptdesk.inference.cpu.quantize import quantize_rows

_SCALES: Final = ".scales"

_WEIGHTS_AT_ONCE: Final = 2**21
"""Weights dequantised at a time: 8 MB of float32, which stay in the processor's cache until they are multiplied."""


_memory = threading.local()


def _scratch(rows: int, columns: int) -> Tensor:
    """Float32 memory of this thread; the next call returns the same memory."""
    if not hasattr(_memory, "buffer") or _memory.buffer.numel() < rows * columns:
        _memory.buffer = torch.empty(max(rows * columns, _WEIGHTS_AT_ONCE))
    scratch: Tensor = _memory.buffer[: rows * columns].view(rows, columns)
    return scratch


class QuantizedLinear(nn.Module):
    """A quantised `nn.Linear` for inference.

    Attributes:
        in_features: columns.
        out_features: rows.
        qweight: as in `quantize`.
        scales: as in `quantize`.
        bias: (rows) float32, or ``None``.
    """

    def __init__(self, qweight: Tensor, scales: Tensor, bias: Tensor | None, in_features: int) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = len(qweight)
        self.qweight: Tensor
        self.scales: Tensor
        self.bias: Tensor | None
        self.register_buffer("qweight", qweight)
        self.register_buffer("scales", scales)
        self.register_buffer("bias", bias)

    @property
    def precision(self) -> str:
        return "int8" if self.qweight.dtype == torch.int8 else "int4"

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
        # In reused memory: new memory would cost as much as the product. Scaling products is less work than weights.
        unscaled = _scratch(last - first, self.in_features).copy_(self.qweight[first:last])
        y = linear(x, unscaled, None).mul_(self.scales[first:last])
        return y if bias is None else y.add_(bias)

    def dequantize(self, first: int, last: int) -> Tensor:
        """Rows ``first`` to ``last`` of the weights, (last - first, columns) float32."""
        qweight, scales = self.qweight[first:last], self.scales[first:last]
        if self.precision == "int8":
            return dequantize_rows(qweight, scales)
        return dequantize_groups(qweight, scales, self.in_features)


class QuantizedEmbedding(nn.Module):
    """A quantised `nn.Embedding` for inference: int8 ``qweight``, (V, C), and float32 ``scales``, (V)."""

    def __init__(self, qweight: Tensor, scales: Tensor) -> None:
        super().__init__()
        self.qweight: Tensor
        self.scales: Tensor
        self.register_buffer("qweight", qweight)
        self.register_buffer("scales", scales)

    def forward(self, ids: Tensor) -> Tensor:
        """(...) int64 to (..., C) float32."""
        return self.qweight[ids].float().mul_(self.scales[ids][..., None])


class QuantizedWeights:
    """All weights of a quantised model in one block of memory.

    So a file is read and written in one piece, and NumPy requests huge pages, which are read a fifth faster.

    Attributes:
        config: of the model.
        precision: "int8" or "int4".
        memory: (bytes) uint8, uninitialised at first; the layout follows from config and precision.
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
        """Quantises to int8 or copies a tensor of any float dtype, with our name and shape, into ``memory``."""
        target = self._tensors[name]
        if not is_matrix(name):
            target.copy_(weights)
            return
        assert target.dtype == torch.int8
        rows = max(1, _WEIGHTS_AT_ONCE // weights.shape[1])  # a large matrix in float32 would be a second copy
        scales = self._tensors[name + _SCALES]
        for part, rounded, scale in zip(weights.split(rows), target.split(rows), scales.split(rows), strict=True):
            quantize_rows(part.float().numpy(), rounded.numpy(), scale.numpy())

    def fill_calibrated(self, name: str, weights: Tensor, calibration: Calibration) -> None:
        """As `fill`, in a model in int4. The tensors come in the order of `tensor_shapes`; ``calibration`` gets all."""
        target = self._tensors[name]
        if target.dtype == torch.uint8:
            matrix, scales = weights.float().numpy(), self._tensors[name + _SCALES]
            calibration.quantize(name, lambda x: quantize_groups(matrix, x, target.numpy(), scales.numpy()))
            return
        self.fill(name, weights)
        if name == EMBEDDING:
            calibration.embed(name, weights[torch.from_numpy(calibration.ids)].float().numpy())
        elif name == POSITIONS:
            calibration.embed(name, weights[: calibration.ids.shape[1]].float().numpy())
        elif not is_matrix(name):
            calibration.keep(name, weights.float().numpy())

    def model(self) -> GPT2:
        """A model that shares these weights."""
        model = empty_model(self.config)
        for name, child in list(model.named_modules()):
            if isinstance(child, nn.Linear):
                stored = EMBEDDING if name == "lm_head" and self.config.tie_word_embeddings else f"{name}.weight"
                bias = self._tensors[f"{name}.bias"] if child.bias is not None else None
                qweight, scales = self._tensors[stored], self._tensors[stored + _SCALES]
                model.set_submodule(name, QuantizedLinear(qweight, scales, bias, child.in_features))
        model.set_submodule("wte", QuantizedEmbedding(self._tensors[EMBEDDING], self._tensors[EMBEDDING + _SCALES]))
        rest = {name: self._tensors[name] for name, _ in model.named_parameters()}
        model.load_state_dict(rest, strict=False, assign=True)
        return model.eval().requires_grad_(False)


def precision_of(model: GPT2) -> str:
    """Precision of a model's matrices: "float32", "bfloat16", "float16", "int8" or "int4"."""
    for module in model.h.modules():
        if isinstance(module, QuantizedLinear):
            return module.precision
    return str(model.wpe.weight.dtype).removeprefix("torch.")


def is_matrix(name: str) -> bool:
    """Whether a weight is quantised: the matrices of linear layers, and the token embedding."""
    return is_transposed(name) or name in (EMBEDDING, HEAD)


class _Place(NamedTuple):
    """Name, dtype and shape of a tensor in the memory of `QuantizedWeights`."""

    name: str
    dtype: torch.dtype
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        return self.dtype.itemsize * math.prod(self.shape)

    @property
    def padded(self) -> int:
        """Size rounded up, so that the next tensor starts at a cache line."""
        return -(-self.size // CACHE_LINE) * CACHE_LINE


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
