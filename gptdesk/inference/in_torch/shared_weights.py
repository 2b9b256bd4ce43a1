"""The network in torch that shares its weights with those of the CPU's own network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from gptdesk.gpt2.empty_model import empty_model
from gptdesk.gpt2.layout import EMBEDDING, HEAD
from gptdesk.gpt2.model import GPT2
from gptdesk.inference.cpu.quantized_files import load_weights
from gptdesk.inference.cpu.weights import Matrix, Weights
from gptdesk.inference.in_torch.linear import use_faster_products
from gptdesk.inference.in_torch.quantized import QuantizedEmbedding, QuantizedLinear


def load_quantized(
    folder: Path, precision: str, *, keep: Path | None = None, progress: Callable[[int, int], None] | None = None
) -> GPT2:
    """The network with the weights of a folder; arguments and errors as for `load_weights`."""
    return model_of(load_weights(folder, precision, keep=keep, progress=progress))


def model_of(weights: Weights) -> GPT2:
    """The network, in evaluation mode. In bfloat16 its vectors are copies, because there they are float32."""
    config, model = weights.config, empty_model(weights.config)
    if weights.precision in ("int8", "int4"):
        for name, child in list(model.named_modules()):
            if isinstance(child, nn.Linear):
                model.set_submodule(name, _quantized(weights.matrix(f"{name}.weight"), _bias(weights, name)))
        embedding = weights.matrix(EMBEDDING)
        assert embedding.scales is not None
        tensors = torch.from_numpy(embedding.values), torch.from_numpy(embedding.scales)
        model.set_submodule("wte", QuantizedEmbedding(*tensors))
    stored = {name: nn.Parameter(_tensor(weights, name)) for name, _ in model.named_parameters()}
    if config.tie_word_embeddings and isinstance(model.lm_head, nn.Linear):
        stored[HEAD] = stored[EMBEDDING]
    model.load_state_dict(stored, strict=False, assign=True)
    use_faster_products(model)
    return model.eval().requires_grad_(False)


def _quantized(matrix: Matrix, bias: Tensor | None) -> QuantizedLinear:
    assert matrix.scales is not None
    return QuantizedLinear(torch.from_numpy(matrix.values), torch.from_numpy(matrix.scales), bias, matrix.columns)


def _bias(weights: Weights, layer: str) -> Tensor | None:
    bias = weights.vector(f"{layer}.bias")
    return None if bias is None else torch.from_numpy(bias)


def _tensor(weights: Weights, name: str) -> Tensor:
    values = weights.vector(name)
    assert values is not None
    tensor = torch.from_numpy(values)
    if values.dtype == np.uint16:
        return tensor.view(torch.bfloat16)
    return tensor.bfloat16() if weights.precision == "bfloat16" else tensor
