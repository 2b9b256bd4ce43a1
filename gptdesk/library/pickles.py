"""Converts pickled weights, such as ``pytorch_model.bin``, without running any code in them."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gptdesk.errors import UserError
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.layout import (
    CONFIG_FILE,
    EMBEDDING,
    HEAD,
    check_is_no_pointer,
    check_shapes,
    is_transposed,
    our_name,
    read_config,
    token_ids,
)

if TYPE_CHECKING:
    import torch

_PREFIXES: Final = ("_orig_mod.", "module.")
"""Prefixes that ``torch.compile`` and ``DistributedDataParallel`` add to names."""


def convert_pickle(file: Path, target: Path, advance: Callable[[int], None] = lambda done: None) -> None:
    """Writes a model folder from a pickle of weights in the hub's layout, whose ``config.json`` is in ``target``.

    Args:
        file: the pickle.
        target: folder to write to.
        advance: as `write_model`.

    Raises:
        UserError: when it holds anything but the weights of a GPT-2; no code in it is run.
    """
    check_is_no_pointer(file)
    convert_hub(file, load_pickle(file), target, advance)


def convert_hub(file: Path, values: Any, target: Path, advance: Callable[[int], None]) -> None:
    """As `convert_pickle`, with the contents of the pickle."""
    if isinstance(values, dict) and isinstance(values.get("state_dict"), dict):
        values = values["state_dict"]
    if not os.path.lexists(target / CONFIG_FILE):
        raise UserError(f"{file} has no {CONFIG_FILE} beside it, which says what its weights make; put it there.")
    weights = named_weights(file, values, transposed=True)
    write_model(file, read_config(target), weights, target, advance, token_ids=token_ids(target))


def write_model(
    file: Path,
    config: GPT2Config,
    weights: dict[str, torch.Tensor],
    target: Path,
    advance: Callable[[int], None],
    *,
    vocab_size: int | None = None,
    token_ids: Mapping[str, Any] | None = None,
) -> None:
    """Writes a model folder.

    Args:
        file: that the weights come from.
        config: of the model.
        weights: as `named_weights` returns them.
        target: folder to write to.
        advance: gets the bytes of weights read; an exception from it ends the conversion before anything is written.
        vocab_size: rows of the vocabulary to write; all when not given.
        token_ids: as `gptdesk.gpt2.layout.token_ids`.

    Raises:
        UserError: when weights are missing, unknown or of another shape.
    """
    from gptdesk.gpt2.checkpoint import save_weights

    config = _check(file, config, weights)
    if config.tie_word_embeddings:
        weights.pop(HEAD, None)
    wanted, read = {}, 0
    for name, tensor in weights.items():
        if config.bias or not name.endswith(".bias"):
            wanted[name] = tensor.clone()  # what was only mapped into memory is read here
        read += tensor.numel() * tensor.element_size()
        advance(read)
    save_weights(config, wanted, target, vocab_size=vocab_size, token_ids=token_ids)


def load_pickle(file: Path) -> Any:
    """The contents of a pickle, which may be tensors and plain values only.

    Raises:
        UserError: when it holds anything else, or is damaged.
    """
    import pickle
    import warnings

    import torch

    try:
        zipped = _check_zip(file)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(file, map_location="cpu", weights_only=True, mmap=zipped)
    except UserError:
        raise
    except pickle.UnpicklingError as error:
        if "weights_only" not in str(error) and "Weights only" not in str(error):
            raise UserError(f"{file} is damaged, or holds no weights of torch's.") from error
        raise UserError(
            f"{file} is not opened: it holds more than weights, and such files can run code. Ask for one in "
            "safetensors, or convert it where you trust it."
        ) from error
    except OSError as error:
        raise UserError(f"{file} cannot be read ({error.strerror or error}).") from error
    except Exception as error:  # a damaged or hostile file makes torch raise whatever it stumbles over
        raise UserError(f"{file} is damaged, or holds no weights of torch's.") from error


def _check_zip(file: Path) -> bool:
    """Whether it is a zip archive, as torch writes since 1.6; refuses one that would unpack to more than its size."""
    if not zipfile.is_zipfile(file):
        return False
    size = file.stat().st_size
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        if any(member.compress_type != zipfile.ZIP_STORED for member in members):
            raise UserError(f"{file} is not opened: it is compressed, as torch's files never are.")
        if sum(member.file_size for member in members) > size:
            raise UserError(f"{file} is not opened: it claims to hold more than it does.")
    return True


def named_weights(file: Path, values: Any, *, transposed: bool) -> dict[str, torch.Tensor]:
    """The tensors by our names, linear layers as (outputs, inputs).

    Args:
        file: for messages.
        values: tensors by their names in the file.
        transposed: whether linear layers are stored as (inputs, outputs).

    Raises:
        UserError: when there is anything else among them.
    """
    import torch

    if not isinstance(values, Mapping) or not values:
        raise UserError(f"{file} holds no weights by name.")
    weights: dict[str, torch.Tensor] = {}
    for stored, tensor in values.items():
        if not isinstance(stored, str) or not isinstance(tensor, torch.Tensor):
            raise UserError(f"{file} holds other things than weights under {str(stored)[:100]!a}.")
        for prefix in _PREFIXES:
            stored = stored.removeprefix(prefix)
        if (name := our_name(stored)) is None:
            continue
        if name in weights:
            raise UserError(f"{file} holds the tensor {name[:100]!a} a second time.")
        if tensor.layout is not torch.strided or not tensor.is_floating_point() or tensor.device.type != "cpu":
            raise UserError(f"{file} stores {name[:100]!a} in a way that is not supported.")
        weights[name] = tensor.t() if transposed and is_transposed(name) and tensor.dim() == 2 else tensor
    return weights


def _check(file: Path, config: GPT2Config, weights: dict[str, torch.Tensor]) -> GPT2Config:
    """Makes sure that the weights are those of the config, and really there; unties the head if the file does."""
    import torch

    shapes = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    if config.tie_word_embeddings and HEAD in shapes:
        if EMBEDDING not in weights:
            weights[EMBEDDING] = weights[HEAD]
            shapes[EMBEDDING] = shapes[HEAD]
        if shapes[HEAD] == shapes[EMBEDDING]:
            del shapes[HEAD]
    check_shapes(file, config, shapes)
    least = min(tensor.element_size() for tensor in weights.values())
    if config.num_parameters() * least > file.stat().st_size:  # strides can make a few numbers look like terabytes
        raise UserError(f"{file} claims to hold more numbers than it does.")
    if config.tie_word_embeddings and HEAD in weights and not torch.equal(weights[HEAD], weights[EMBEDDING]):
        return replace(config, tie_word_embeddings=False)
    return config
