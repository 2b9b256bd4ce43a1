"""GPT-2 in torch with int8 or int4 matrices, for inference on a CPU where Numba is missing, and for looking into it.

Products dequantise a part of the matrix at a time to float32.
"""

from __future__ import annotations

import threading

import torch
from torch import Tensor, nn

from gptdesk.gpt2.model import GPT2
from gptdesk.inference.cpu.weights import WEIGHTS_AT_ONCE
from gptdesk.inference.in_torch.dequantize import dequantize_groups, dequantize_rows
from gptdesk.inference.in_torch.linear import linear

_memory = threading.local()


def _scratch(rows: int, columns: int) -> Tensor:
    """Float32 memory of this thread; the next call returns the same memory."""
    if not hasattr(_memory, "buffer") or _memory.buffer.numel() < rows * columns:
        _memory.buffer = torch.empty(max(rows * columns, WEIGHTS_AT_ONCE))
    scratch: Tensor = _memory.buffer[: rows * columns].view(rows, columns)
    return scratch


class QuantizedLinear(nn.Module):
    """A quantised `nn.Linear` for inference.

    Attributes:
        in_features: columns.
        out_features: rows.
        qweight: as in `gptdesk.inference.cpu.weights.Matrix`.
        scales: as in `gptdesk.inference.cpu.weights.Matrix`.
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
        rows = max(1, WEIGHTS_AT_ONCE // self.in_features)
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


def precision_of(model: GPT2) -> str:
    """Precision of a model's matrices: "float32", "bfloat16", "float16", "int8" or "int4"."""
    for module in model.h.modules():
        if isinstance(module, QuantizedLinear):
            return module.precision
    return str(model.wpe.weight.dtype).removeprefix("torch.")
