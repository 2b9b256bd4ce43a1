"""Loads and saves models in the hub's layout: maps the tensors of the files to those of our network, and back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn

from gptdesk.devices import is_out_of_memory
from gptdesk.errors import UserError
from gptdesk.files import replacing
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.empty_model import empty_model
from gptdesk.gpt2.layout import (
    CONFIG_FILE,
    EMBEDDING,
    HEAD,
    WEIGHTS_FILE,
    is_transposed,
    read_config,
    stored_name,
    tensor_shapes,
)
from gptdesk.gpt2.model import GPT2
from gptdesk.gpt2.stored_tensors import StoredTensor, check_memory, open_weights

__all__ = ["load_model", "open_weights", "read_config", "save_model", "save_weights"]


def load_model(
    folder: Path,
    *,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
    dropout: float = 0.0,
    progress: Callable[[int, int], None] | None = None,
) -> GPT2:
    """Loads a model folder in the hub's layout, as ``transformers`` and we write it.

    Tensors are mapped and converted one at a time, so that memory holds the model and one tensor more.

    Args:
        folder: contains ``config.json`` and ``model.safetensors``, or an index and its shards.
        dtype: of the weights in memory, whatever that of the file is.
        device: of the weights.
        dropout: probability, for further training.
        progress: called with the number of weights read and their total; an exception that it raises ends loading.

    Returns:
        The model, in evaluation mode. Its head is untied if the file contains one that differs from the embedding, as
        in ``transformers``.

    Raises:
        UserError: when the folder contains no complete, undamaged GPT-2, or memory does not suffice.
    """
    with open_weights(Path(folder)) as (config, stored):
        model = empty_model(config, dropout=dropout)
        total = sum(weight.numel() for weight in model.parameters())
        if torch.device(device).type == "cpu":
            check_memory(total * dtype.itemsize)
        weights: dict[str, nn.Parameter] = {}
        read = 0
        for name in tensor_shapes(config):
            weights[name] = nn.Parameter(_convert(stored[name], dtype, torch.device(device)))
            stored[name].release()
            read += weights[name].numel()
            if progress is not None:
                progress(read, total)
    if config.tie_word_embeddings:
        weights[HEAD] = weights[EMBEDDING]
    model.load_state_dict(weights, assign=True)
    return model.eval()


def save_model(
    model: GPT2,
    folder: Path,
    *,
    vocab_size: int | None = None,
    dtype: torch.dtype | None = None,
    metadata: dict[str, str] | None = None,
) -> None:
    """Writes a model folder that `load_model` and ``GPT2LMHeadModel`` of ``transformers`` read.

    Files are replaced atomically, the weights first: a new folder without ``config.json`` is incomplete.

    Args:
        model: on any device.
        folder: created when missing.
        vocab_size: rows of the vocabulary to write, without those that pad it for training; not given: all.
        dtype: of the weights in the file; not given: the model's.
        metadata: added to the header of the safetensors file.

    Raises:
        UserError: when the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _not_written(folder, error) from error
    weights = dict(model.named_parameters())  # a tied head comes once, as the embedding
    save_weights(model.config, weights, folder, vocab_size=vocab_size, dtype=dtype, metadata=metadata)


def save_weights(
    config: GPT2Config,
    weights: Mapping[str, Tensor],
    folder: Path,
    *,
    vocab_size: int | None = None,
    dtype: torch.dtype | None = None,
    metadata: dict[str, str] | None = None,
    token_ids: Mapping[str, Any] | None = None,
) -> None:
    """Writes a model folder from weights instead of a network; arguments and errors as for `save_model`.

    Args:
        config: of the model.
        weights: by our names, without a tied head.
        folder: must exist: if it was removed since a run began, nothing is written.
        token_ids: as `gptdesk.gpt2.layout.token_ids`, for the new ``config.json``; OpenAI's when not given.
    """
    if vocab_size is not None:
        assert 1 <= vocab_size <= config.vocab_size
        config = replace(config, vocab_size=vocab_size)
    tensors: dict[str, Tensor] = {}
    for name, weight in weights.items():
        tensor = weight.detach()
        if name in (EMBEDDING, HEAD):
            tensor = tensor[: config.vocab_size]
        if is_transposed(name):
            tensor = tensor.t()
        tensors[stored_name(name)] = tensor.to("cpu", dtype or tensor.dtype).contiguous()
        if not config.bias and name.startswith(("h.", "ln_f.")):  # transformers' GPT-2 always has biases
            zeros = torch.zeros(weight.shape[0], dtype=dtype or tensor.dtype)
            tensors[stored_name(name.removesuffix("weight") + "bias")] = zeros
    stored_dtype = tensors[stored_name(EMBEDDING)].dtype
    description = config.to_json() | dict(token_ids or {}) | {"dtype": str(stored_dtype).removeprefix("torch.")}
    try:
        with replacing(folder / WEIGHTS_FILE) as temporary:
            save_file(tensors, temporary, metadata={"format": "pt"} | (metadata or {}))
        with replacing(folder / CONFIG_FILE) as temporary:
            temporary.write_text(json.dumps(description, indent=2) + "\n")
    except (OSError, SafetensorError) as error:
        raise _not_written(folder, error) from error


def _not_written(folder: Path, error: Exception) -> UserError:
    return UserError(f"The model cannot be written to {folder} ({error}).")


def _convert(stored: StoredTensor, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Reads a tensor into new memory of that dtype on that device, and checks that its values are finite."""
    try:
        tensor = torch.empty(stored.shape, dtype=dtype, device=device)
        source = stored.read()
        tensor.copy_(source)
        if bool(tensor.isfinite().all()):
            return tensor
        if bool(source.isfinite().all()):
            raise stored.too_large_for(str(dtype).removeprefix("torch."))
        raise stored.not_finite()
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise UserError(
            f"The model does not fit into the memory of {device}; close other programs, or choose a smaller model, "
            "another device or precision bfloat16."
        ) from error
