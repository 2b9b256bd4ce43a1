"""Opens the weights of a model folder in the hub's layout, mapped and not read yet. Imports torch late."""

from __future__ import annotations

import json
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

from gptdesk import number_format
from gptdesk.errors import UserError
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.layout import (
    EMBEDDING,
    HEAD,
    check_shapes,
    is_transposed,
    our_name,
    read_config,
    weight_files,
)
from gptdesk.system_memory import free_memory

if TYPE_CHECKING:
    from torch import Tensor

_STORED: Final = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "BF16": np.uint16}
"""NumPy's types of what files hold; bfloat16 as its bits, which are the upper half of a float32's."""

_LENGTH_BYTES: Final = 8
"""Of the length of the header, at the beginning of a safetensors file."""


class StoredTensor(msgspec.Struct, frozen=True, eq=False):
    """A tensor in a mapped file, not yet read.

    Attributes:
        path: of the file.
        name: of the tensor in the file.
        dtype: as the file names it: F64, F32, F16 or BF16.
        values: in the file's type (bfloat16: its bits), with the shape that it has in our network; a view of the file.
        file: the mapped file; None for an empty one.
    """

    path: Path
    name: str
    dtype: str
    values: npt.NDArray[Any]
    file: mmap.mmap | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """In our network; the reverse of the file's for a matrix that the file holds transposed."""
        return self.values.shape

    def floats(self, rows: slice = slice(None)) -> npt.NDArray[np.float32]:
        """Some rows, or elements of a vector, in float32 and checked; not always a copy.

        Raises:
            UserError: when a value is not finite, or too large for float32.
        """
        part = self.values[rows]
        if self.dtype == "BF16":
            floats = (part.astype(np.uint32) << np.uint32(16)).view(np.float32)
        else:
            with np.errstate(over="ignore"):
                floats = part.astype(np.float32, copy=False)
        if np.isfinite(floats).all():
            return floats
        if self.dtype == "F64" and np.isfinite(part).all():
            raise self.too_large_for("float32")
        raise self.not_finite()

    def read(self) -> Tensor:
        """The tensor in the file's type; a transposed one is a view."""
        import torch

        tensor = torch.from_numpy(self.values if self.values.flags.aligned else self.values.copy())
        return tensor.view(torch.bfloat16) if self.dtype == "BF16" else tensor

    def release(self) -> None:
        """Gives back the memory of what was read of the file; values that are looked at again are read again.

        Without it a model that is loaded takes the size of its file more. Some systems have no such call.
        """
        if self.file is not None and hasattr(mmap, "MADV_DONTNEED"):
            self.file.madvise(mmap.MADV_DONTNEED)

    def not_finite(self) -> UserError:
        """The error for a tensor that contains NaN or infinity."""
        return UserError(
            f"{self.path} is damaged: {self.name} holds values that are not finite numbers (NaN or infinity)."
        )

    def too_large_for(self, dtype: str) -> UserError:
        """The error for a tensor whose values are beyond the range of that type."""
        return UserError(f"{self.path} holds numbers in {self.name} too large for {dtype}; use float32.")


@contextmanager
def open_weights(folder: Path) -> Iterator[tuple[GPT2Config, dict[str, StoredTensor]]]:
    """Opens a model folder: yields its config and its tensors, by our names and not read yet.

    Raises:
        UserError: when the folder contains no complete GPT-2.
    """
    config = read_config(folder)
    stored = _open(folder)
    config = _with_head_as_stored(config, stored)
    _check_tensors(folder, config, stored)
    yield config, stored


def _open(folder: Path) -> dict[str, StoredTensor]:
    """Maps a model's weight files and lists their tensors by our names; reads only the headers."""
    stored: dict[str, StoredTensor] = {}
    for path in weight_files(folder):
        try:
            path.open("rb").close()  # safetensors reports a file that it may not open as missing
            with safe_open(path, framework="np"):  # checks the header
                data, places = _map(path)
        except (OSError, ValueError) as error:
            raise UserError(f"{path} cannot be read ({getattr(error, 'strerror', None) or error}).") from error
        except SafetensorError as error:
            raise UserError(
                f"{path} is damaged or incomplete ({_first_line(error)}); download or copy it again."
            ) from error
        for tensor_name in places:
            name = our_name(tensor_name)
            if name is None:
                continue
            if name in stored:
                raise UserError(f"{path} holds the tensor {name} a second time.")
            dtype, shape = places[tensor_name]["dtype"], tuple(places[tensor_name]["shape"])
            if dtype not in _STORED:
                raise UserError(f"{path} stores {tensor_name} as {dtype}; only {', '.join(_STORED)} can be loaded.")
            begin, end = places[tensor_name]["data_offsets"]
            values = data[begin:end].view(_STORED[dtype]).reshape(shape)
            transposed = is_transposed(name) and len(shape) == 2
            file = data.base if isinstance(data.base, mmap.mmap) else None
            stored[name] = StoredTensor(path, tensor_name, dtype, values.T if transposed else values, file)
    return stored


def _map(path: Path) -> tuple[npt.NDArray[np.uint8], dict[str, Any]]:
    """Maps a file that safetensors has checked: its data, and dtype, shape and offsets in the data by tensor."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
        places = json.loads(file.read(length))
    places.pop("__metadata__", None)
    start = _LENGTH_BYTES + length
    if path.stat().st_size == start:
        return np.empty(0, np.uint8), places
    # Writable, because torch warns of tensors that are not; what is written stays in memory.
    return np.memmap(path, np.uint8, mode="c", offset=start), places


def _with_head_as_stored(config: GPT2Config, stored: dict[str, StoredTensor]) -> GPT2Config:
    """The config, untied if the file contains a head that differs from the embedding, although the config ties them.

    As in ``transformers``: an equal head is dropped, and a head without an embedding stands for both.
    """
    if not config.tie_word_embeddings or HEAD not in stored:
        return config
    if EMBEDDING not in stored:
        stored[EMBEDDING] = stored.pop(HEAD)
        return config
    head, embedding = stored[HEAD], stored[EMBEDDING]
    if head.dtype == embedding.dtype and np.array_equal(head.values, embedding.values):
        del stored[HEAD]
        return config
    return replace(config, tie_word_embeddings=False)


def _check_tensors(folder: Path, config: GPT2Config, stored: dict[str, StoredTensor]) -> None:
    """Checks names and shapes of the stored tensors against the config, before memory is allocated."""
    check_shapes(folder, config, {name: tensor.shape for name, tensor in stored.items()})
    if not config.bias:
        for name, tensor in stored.items():
            if name.endswith(".bias") and tensor.values.astype(bool).any():
                raise UserError(f"config.json in {folder} says that the model has no biases, but {name} is not zero.")


def check_memory(needed: int) -> None:
    """Checks that the computer's memory suffices: Linux promises more than it has, and kills the program that uses it.

    Args:
        needed: bytes.

    Raises:
        UserError: when less is free.
    """
    free = free_memory()
    if free is not None and needed > free:
        raise UserError(
            f"The model takes {number_format.size(needed)} of memory and {number_format.size(free)} are free; close "
            "other programs, or choose a smaller model or precision bfloat16."
        )


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
