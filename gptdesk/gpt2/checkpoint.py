"""Reads and writes models in the hub's layout; the only module that maps a file's tensors to our network's."""

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
        file: the open file, path: its place, name: of the tensor in it.
        shape: as we use it, so transposed where the file holds it the other way round.
    """

    file: Any
    path: Path
    name: str
    shape: tuple[int, ...]
    transposed: bool

    def read(self) -> Tensor:
        """The tensor in the file's dtype; a transposed one is a view."""
        try:
            tensor: Tensor = self.file.get_tensor(self.name)
        except SafetensorError as error:
            raise UserError(f"{self.path} is damaged: {self.name} cannot be read ({error}).") from error
        return tensor.t() if self.transposed else tensor

    def not_finite(self) -> UserError:
        """What is to be said of a tensor with NaN or infinity in it."""
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
    """Loads a model folder of OpenAI's, of ``transformers``' or of our own.

    Tensors are mapped and converted one at a time, so that memory holds the model and one tensor more.

    Args:
        folder: holds ``config.json`` and ``model.safetensors``, or an index and its shards.
        dtype: of the weights in memory, whatever the file's.
        device: where they go.
        dropout: for training on.
        progress: called with the number of weights read and the number there are; what it raises ends the loading.

    Returns:
        The model, in evaluation mode. Its config has an untied head where the file holds one that differs from the
        embedding, as in ``transformers``.

    Raises:
        UserError: when the folder holds no whole, sound GPT-2, or memory does not suffice.
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
    """Opens a model folder as `load_model` does, and tells its config and its tensors by our names; none is read yet.

    Raises:
        UserError: when the folder holds no whole GPT-2.
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
    """Writes a model folder that ``transformers``' ``GPT2LMHeadModel`` and `load_model` read.

    Each file is written beside its place and moved there once it is whole; the weights come first, so that a new folder
    without a ``config.json`` is an unfinished one.

    Args:
        model: on any device.
        folder: made when it is missing.
        vocab_size: rows of the vocabulary to keep, where it was padded for training; all when not given.
        dtype: of the weights in the file; the model's own when not given.
        metadata: goes into the header of the weights.

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
) -> None:
    """Does what `save_model` does with weights that are in no network, by our names, a tied head left out.

    The folder must be there: who has removed it meanwhile wants nothing in it.
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
    description = config.to_json() | {"dtype": str(stored_dtype).removeprefix("torch.")}
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
    """Opens a model's weight files and lists what they hold by our names; reads the headers alone."""
    stored: dict[str, StoredTensor] = {}
    for path in weight_files(folder):
        try:
            path.open("rb").close()  # safetensors would say of every file it may not open that it is missing
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
    """Settles what ``lm_head.weight`` in a file means when the config ties it to the embedding.

    As ``transformers`` does: an equal one is the same weight twice, a different one unties them, one alone is both.
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
    """Compares what the files hold with what the config asks for, before any memory is taken."""
    check_shapes(folder, config, {name: tensor.shape for name, tensor in stored.items()})
    if not config.bias:
        for name, tensor in stored.items():
            if name.endswith(".bias") and tensor.read().any():
                raise UserError(f"config.json in {folder} says that the model has no biases, but {name} is not zero.")


def check_memory(needed: int, device: torch.device) -> None:
    """Refuses what cannot fit: Linux hands out more memory than it has, and later kills the program that uses it.

    Args:
        needed: bytes.
        device: where; only the computer's own memory is checked.

    Raises:
        UserError: when so much is not free.
    """
    free = free_memory()
    if device.type == "cpu" and free is not None and needed > free:
        raise UserError(
            f"The model takes {number_format.size(needed)} of memory and {number_format.size(free)} are free; close "
            "other programs, or choose a smaller model or precision bfloat16."
        )


def _convert(stored: StoredTensor, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Reads a tensor into fresh memory of that dtype on that device, and makes sure that its numbers are finite."""
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
