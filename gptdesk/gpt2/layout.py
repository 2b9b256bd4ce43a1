"""The hub's layout of a model folder: file names and tensor names. Imports no torch."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from gptdesk.bounded_read import ContentError, convert, read_bytes
from gptdesk.errors import UserError
from gptdesk.gpt2.config import GPT2Config

CONFIG_FILE: Final = "config.json"
WEIGHTS_FILE: Final = "model.safetensors"
INDEX_FILE: Final = "model.safetensors.index.json"
"""Names the file of each tensor where the weights are split into several files."""

PREFIX: Final = "transformer."
"""Prefix of all tensor names but the head's in files of ``GPT2LMHeadModel``; files of ``GPT2Model`` have none."""

HEAD: Final = "lm_head.weight"
EMBEDDING: Final = "wte.weight"
POSITIONS: Final = "wpe.weight"

# The causal mask, which old versions of transformers stored with every layer.
_MASK = re.compile(r"h\.\d+\.attn\.(bias|masked_bias)")

# Heads of other tasks beside the language model's, which are not loaded: by architecture, and in the names of tensors.
_OTHER_HEADS: Final = {"GPT2DoubleHeadsModel": "multiple_choice_head"}

# OpenAI wrote these layers as convolutions of width 1 (Conv1D), whose weights are stored as (inputs, outputs).
_TRANSPOSED = ("attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight")

# Pickles, which can run code when they are loaded, and files of other frameworks.
_OTHER_WEIGHTS = ("pytorch_model*.bin", "*.pt", "*.pth", "*.ckpt*", "tf_model.h5", "flax_model.msgpack", "*.gguf")

CONVERTED: Final = ("pytorch_model.bin", "ckpt.pt")
"""Pickles that importing converts: the hub's and nanoGPT's."""

IMPORTED: Final = (*CONVERTED, "*.gguf", "adapter_config.json", "*.index")
"""Patterns of files by which a folder shows that its model is imported and not loaded."""

_POINTER = b"version https://git-lfs.github.com/spec/"
"""First bytes of a Git LFS pointer (git-lfs/docs/spec.md)."""

LARGEST_JSON: Final = 16 * 2**20
"""Largest config or index, in bytes; the index of gpt2-xl has some 50 thousand."""


class _Index(msgspec.Struct):
    """An index: the file that holds each tensor, by the tensor's name."""

    weight_map: Annotated[
        dict[str, Annotated[str, msgspec.Meta(pattern=r"^[\w.-]+\.safetensors\Z")]], msgspec.Meta(min_length=1)
    ]


def read_config(folder: Path) -> GPT2Config:
    """Reads the ``config.json`` of a model folder.

    Raises:
        UserError: when folder or file is missing or unreadable, or describes no GPT-2 that can be used.
    """
    status = _status(folder)
    if status is None or not stat.S_ISDIR(status.st_mode):
        raise UserError(f"There is no folder {folder}." if status is None else f"{folder} is not a folder.")
    path = folder / CONFIG_FILE
    if not _is_file(path):
        raise UserError(f"{folder} is not a model folder: it has no {CONFIG_FILE}{_advice(folder)}.")
    values = _read_json(path)
    if _is_run(values):
        raise UserError(f"{folder} is the folder of a run; choose one of its models, in {folder / 'checkpoints'}.")
    try:
        return GPT2Config.from_json(values)
    except UserError as error:
        raise UserError(f"The model in {folder} cannot be used: {error}") from error


def _is_run(values: Any) -> bool:
    """Whether these are the contents of a training run's ``config.json``."""
    return isinstance(values, dict) and "model_type" not in values and {"model", "schedule", "run"} <= values.keys()


def left_out(folder: Path) -> str:
    """Name of the part of a model folder that is not loaded: the second head of a ``GPT2DoubleHeadsModel``; empty for
    none.

    Raises:
        UserError: when ``config.json`` is missing or cannot be read.
    """
    values = _read_json(folder / CONFIG_FILE)
    architectures = values.get("architectures") if isinstance(values, dict) else None
    names = [name for name in architectures if isinstance(name, str)] if isinstance(architectures, list) else []
    return next((_OTHER_HEADS[name] for name in names if name in _OTHER_HEADS), "")


def token_ids(folder: Path) -> dict[str, Any]:
    """Ids of the tokens that begin, end and pad a text, by their names in the folder's ``config.json``.

    Raises:
        UserError: when ``config.json`` cannot be read.
    """
    values = _read_json(folder / CONFIG_FILE)
    names = ("bos_token_id", "eos_token_id", "pad_token_id")
    return {name: values[name] for name in names if isinstance(values, dict) and name in values}


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a model's weights: one, or those that its index names.

    Raises:
        UserError: when there are none, or only files in formats that are not loaded.
    """
    single = folder / WEIGHTS_FILE
    if _is_file(single):
        check_is_no_pointer(single)
        return [single]
    index = folder / INDEX_FILE
    if _is_file(index):
        return _shards(index)
    others = sorted(path.name for pattern in _OTHER_WEIGHTS for path in folder.glob(pattern))
    if others:
        found, advice = _imported(folder) or others[0], _advice(folder) or "; convert it with transformers first"
        raise UserError(f"{folder} has no {WEIGHTS_FILE}: only safetensors are loaded, not {found}{advice}.")
    raise UserError(f"{folder} is not a whole model folder: it has no {WEIGHTS_FILE}{_advice(folder)}.")


def _imported(folder: Path) -> str:
    """Name of a file that shows that the folder's model is imported and not loaded; empty for none."""
    return next((path.name for pattern in IMPORTED for path in sorted(folder.glob(pattern))), "")


def _advice(folder: Path) -> str:
    """What to do with the model of such a file, as a sentence goes on; empty where there is none."""
    name = _imported(folder)
    return (
        f"; import the folder, and gptdesk converts {name} without running any code that may be in it" if name else ""
    )


def our_name(stored: str) -> str | None:
    """Our name of a tensor in a file of the hub's, ``None`` for what is not loaded (causal masks, see `left_out`)."""
    name = stored.removeprefix(PREFIX)
    return None if _MASK.fullmatch(name) or name.partition(".")[0] in _OTHER_HEADS.values() else name


def stored_name(name: str) -> str:
    """The name under which ``transformers`` stores our tensor."""
    return name if name == HEAD else PREFIX + name


def is_transposed(name: str) -> bool:
    """Whether files contain the transpose of our tensor."""
    return name.endswith(_TRANSPOSED)


def tensor_shapes(config: GPT2Config) -> dict[str, tuple[int, ...]]:
    """Names and shapes of our network's weights, in its order; those of a linear layer are (outputs, inputs)."""
    width, inner = config.n_embd, config.inner_size
    shapes: dict[str, tuple[int, ...]] = {
        EMBEDDING: (config.vocab_size, width),
        POSITIONS: (config.n_positions, width),
    }

    def add(name: str, *shape: int) -> None:
        shapes[f"{name}.weight"] = shape
        if config.bias:
            shapes[f"{name}.bias"] = shape[:1]

    for layer in range(config.n_layer):
        add(f"h.{layer}.ln_1", width)
        add(f"h.{layer}.attn.c_attn", 3 * width, width)
        add(f"h.{layer}.attn.c_proj", width, width)
        add(f"h.{layer}.ln_2", width)
        add(f"h.{layer}.mlp.c_fc", inner, width)
        add(f"h.{layer}.mlp.c_proj", width, inner)
    add("ln_f", width)
    if not config.tie_word_embeddings:
        shapes[HEAD] = (config.vocab_size, width)
    return shapes


def check_shapes(
    folder: Path, config: GPT2Config, stored: Mapping[str, tuple[int, ...]], *, described_by: str = CONFIG_FILE
) -> None:
    """Checks names and shapes of stored tensors against the config.

    A model without biases may have stored ones: ``transformers`` needs them, as zeros.

    Args:
        folder: folder or file, for the message.
        config: of the model.
        stored: shapes by our names, as our network has them.
        described_by: what the config was read from, for the message.

    Raises:
        UserError: when a tensor is missing, unknown or of another shape.
    """
    wanted = tensor_shapes(config)
    if missing := [name for name in wanted if name not in stored]:
        raise UserError(f"The weights in {folder} are incomplete: {_some(missing)} missing.")
    extra = [name for name in stored if name not in wanted and (config.bias or not name.endswith(".bias"))]
    if extra:
        raise UserError(f"The weights in {folder} are not a GPT-2 language model's: {_some(extra)} unknown.")
    for name, shape in wanted.items():
        if stored[name] != shape:
            raise UserError(
                f"The weights in {folder} do not fit its {described_by}: {name} has the shape {stored[name]}, not "
                f"{shape}."
            )


def _some(names: list[str]) -> str:
    """A subject with its verb: the first name and the number of the others."""
    rest = len(names) - 1
    first = names[0] if len(names[0]) <= 100 and names[0].isprintable() else f"{names[0][:100]!a}"
    return f"{first} is" if not rest else f"{first} and {rest} more tensor{'s' if rest > 1 else ''} are"


def _shards(index: Path) -> list[Path]:
    try:
        names = convert(_read_json(index), _Index).weight_map.values()
    except msgspec.ValidationError:
        raise UserError(f"{index} names no weights, or files that are not safetensors files beside it.") from None
    paths = [index.with_name(name) for name in sorted(set(names))]
    for path in paths:
        if not _is_file(path):
            raise UserError(f"{index.parent} is not a whole model folder: {path.name} is missing.")
        check_is_no_pointer(path)
    return paths


def check_is_no_pointer(path: Path) -> None:
    """Refuses a Git LFS pointer, which a clone without Git LFS contains in place of a large file.

    Raises:
        UserError: when the file is one.
    """
    try:
        with path.open("rb") as file:
            is_pointer = file.read(len(_POINTER)) == _POINTER
    except OSError:  # the caller opens it next and reports the error
        return
    if is_pointer:
        raise UserError(f"{path} is only a pointer of Git LFS to the file that belongs there; run git lfs pull.")


def _read_json(path: Path) -> Any:
    if (size := path.stat().st_size) > LARGEST_JSON:
        raise UserError(f"{path} has {size:,} bytes, which is no description of a model.")
    check_is_no_pointer(path)
    try:
        return json.loads(read_bytes(path, largest=LARGEST_JSON))
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}).") from error
    except ContentError as error:
        raise UserError(f"{path} is damaged: {error}.") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is damaged: it is not JSON.") from error


def _is_file(path: Path) -> bool:
    """Whether the file exists. Anything but a regular file is refused: a pipe blocks, a device never ends."""
    status = _status(path)
    if status is not None and not stat.S_ISREG(status.st_mode):
        raise UserError(f"{path} is not a file.")
    return status is not None


def _status(path: Path) -> os.stat_result | None:
    """The status of a path, links followed; ``None`` if it does not exist."""
    try:
        return path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: a NUL in the path
        return None
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}).") from error
