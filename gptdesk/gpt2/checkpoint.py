"""Loads and saves models in the hub's layout: maps the tensors of the files to those of our network, and back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from gptdesk import number_format
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
    check_shapes,
    is_transposed,
    our_name,
    read_config,
    stored_name,
    tensor_shapes,
    weight_files,
)
from gptdesk.gpt2.model import GPT2
from gptdesk.system_memory import free_memory

__all__ = ["load_model", "open_weights", "read_config", "save_model", "save_weights"]

_FLOATS = ("F64", "F32", "F16", "BF16")


@dataclass(frozen=True)
class StoredTensor:
    """A tensor in an open file, not yet read.

    Attributes:
        file: the open safetensors file.
        path: of the file.
        name: of the tensor in the file.
        shape: in our network; the reverse of the file's where ``transposed``.
        transposed: whether the file holds the transposed matrix.
    """

    file: Any
    path: Path
    name: str
    shape: tuple[int, ...]
    transposed: bool

    def read(self) -> Tensor:
        """The tensor in the file's dtype; a transposed one is a view.

        Raises:
            UserError: when the file is damaged.
        """
        try:
            tensor: Tensor = self.file.get_tensor(self.name)
        except SafetensorError as error:
            raise UserError(f"{self.path} is damaged: {self.name} cannot be read ({error}).") from error
        return tensor.t() if self.transposed else tensor

    def not_finite(self) -> UserError:
        """The error for a tensor that contains NaN or infinity."""
        return UserError(
            f"{self.path} is damaged: {self.name} holds values that are not finite numbers (NaN or infinity)."
        )


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
        check_memory(total * dtype.itemsize, torch.device(device))
        weights: dict[str, nn.Parameter] = {}
        read = 0
        for name in tensor_shapes(config):
            weights[name] = nn.Parameter(_convert(stored[name], dtype, torch.device(device)))
            read += weights[name].numel()
            if progress is not None:
                progress(read, total)
    if config.tie_word_embeddings:
        weights[HEAD] = weights[EMBEDDING]
    model.load_state_dict(weights, assign=True)
    return model.eval()


@contextmanager
def open_weights(folder: Path) -> Iterator[tuple[GPT2Config, dict[str, StoredTensor]]]:
    """Opens a model folder: yields its config and its tensors, by our names and not read yet.

    Raises:
        UserError: when the folder contains no complete GPT-2.
    """
    config = read_config(folder)
    with ExitStack() as files:
        stored = _open(folder, files)
        config = _with_head_as_stored(config, stored)
        _check_tensors(folder, config, stored)
        yield config, stored


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


def _open(folder: Path, files: ExitStack) -> dict[str, StoredTensor]:
    """Opens a model's weight files and lists their tensors by our names; reads only the headers."""
    stored: dict[str, StoredTensor] = {}
    for path in weight_files(folder):
        try:
            path.open("rb").close()  # safetensors reports a file that it may not open as missing
            file = files.enter_context(safe_open(path, framework="pt"))
        except OSError as error:
            raise UserError(f"{path} cannot be read ({error.strerror or error}).") from error
        except RuntimeError as error:  # torch's, when the file cannot be mapped
            raise UserError(f"{path} cannot be read ({_first_line(error)}).") from error
        except SafetensorError as error:
            raise UserError(
                f"{path} is damaged or incomplete ({_first_line(error)}); download or copy it again."
            ) from error
        for tensor_name in file.keys():  # noqa: SIM118 (not a dict)
            name = our_name(tensor_name)
            if name is None:
                continue
            if name in stored:
                raise UserError(f"{path} holds the tensor {name} a second time.")
            view = file.get_slice(tensor_name)
            if view.get_dtype() not in _FLOATS:
                raise UserError(
                    f"{path} stores {tensor_name} as {view.get_dtype()}; only {', '.join(_FLOATS)} can be loaded."
                )
            shape = tuple(view.get_shape())
            transposed = is_transposed(name) and len(shape) == 2
            stored[name] = StoredTensor(file, path, tensor_name, shape[::-1] if transposed else shape, transposed)
    return stored


def _with_head_as_stored(config: GPT2Config, stored: dict[str, StoredTensor]) -> GPT2Config:
    """The config, untied if the file contains a head that differs from the embedding, although the config ties them.

    As in ``transformers``: an equal head is dropped, and a head without an embedding stands for both.
    """
    if not config.tie_word_embeddings or HEAD not in stored:
        return config
    if EMBEDDING not in stored:
        stored[EMBEDDING] = stored.pop(HEAD)
        return config
    head, embedding = stored[HEAD].read(), stored[EMBEDDING].read()
    if head.dtype == embedding.dtype and torch.equal(head, embedding):
        del stored[HEAD]
        return config
    return replace(config, tie_word_embeddings=False)


def _check_tensors(folder: Path, config: GPT2Config, stored: dict[str, StoredTensor]) -> None:
    """Checks names and shapes of the stored tensors against the config, before memory is allocated."""
    check_shapes(folder, config, {name: tensor.shape for name, tensor in stored.items()})
    if not config.bias:
        for name, tensor in stored.items():
            if name.endswith(".bias") and tensor.read().any():
                raise UserError(f"config.json in {folder} says that the model has no biases, but {name} is not zero.")


def check_memory(needed: int, device: torch.device) -> None:
    """Checks that memory suffices: Linux promises more than it has, and kills the program that uses it.

    Args:
        needed: bytes.
        device: that of the weights; only memory of the CPU is checked.

    Raises:
        UserError: when less is free.
    """
    free = free_memory()
    if device.type == "cpu" and free is not None and needed > free:
        raise UserError(
            f"The model takes {number_format.size(needed)} of memory and {number_format.size(free)} are free; close "
            "other programs, or choose a smaller model or precision bfloat16."
        )


def _convert(stored: StoredTensor, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Reads a tensor into new memory of that dtype on that device, and checks that its values are finite."""
    try:
        tensor = torch.empty(stored.shape, dtype=dtype, device=device)
        source = stored.read()
        tensor.copy_(source)
        if bool(tensor.isfinite().all()):
            return tensor
        if bool(source.isfinite().all()):
            name = str(dtype).removeprefix("torch.")
            raise UserError(f"{stored.path} holds numbers in {stored.name} too large for {name}; use float32.")
        raise stored.not_finite()
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise UserError(
            f"The model does not fit into the memory of {device}; close other programs, or choose a smaller model, "
            "another device or precision bfloat16."
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
