"""Imports a LoRA adapter of ``peft``: it is merged with its base model."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gptdesk.errors import UserError
from gptdesk.gpt2.layout import EMBEDDING, HEAD, WEIGHTS_FILE, check_is_no_pointer, tensor_shapes, token_ids
from gptdesk.gpt2.tokenizers.folder_files import has_vocabulary, tokenizer_files
from gptdesk.library.files import copy_files, silent
from gptdesk.library.importing.format import BaseWanted, Found, ImportFormat, ImportJob, Steps
from gptdesk.library.importing.links import check_inside
from gptdesk.library.importing.readers.lora import CONFIG_FILE, WEIGHTS_FILES, merged, read_adapter
from gptdesk.library.pickles import load_pickle
from gptdesk.library.weights import DTYPES

if TYPE_CHECKING:
    import torch


_Read = Callable[[str], "torch.Tensor"]


def find(path: Path) -> Path | None:
    """The folder of an adapter, also for one of its files."""
    if not os.path.isdir(path):
        return path.parent if path.name in (CONFIG_FILE, *WEIGHTS_FILES) else None
    is_whole = os.path.lexists(path / WEIGHTS_FILE)
    return path if os.path.lexists(path / CONFIG_FILE) and not is_whole else None


def look(source: Path) -> Found:
    """Reads the config and the headers of the weights.

    Raises:
        UserError: when they are no LoRA adapter's, or damaged.
    """
    weights = _weights_file(source)
    check_inside([source / CONFIG_FILE, weights, *tokenizer_files(source)], source)
    with _opened(weights) as (shapes, _):
        adapter = read_adapter(source, shapes)
    return Found(path=source, size=0, base=BaseWanted(name=adapter.base, misfit=adapter.misfit))


def write(job: ImportJob) -> dict[str, str]:
    """Merges the adapter with its base, one weight after the other, and copies the tokenizer of either.

    Raises:
        UserError: when they do not fit each other.
    """
    import torch

    from gptdesk.gpt2.checkpoint import open_weights, save_weights

    source, base = job.found.path, job.base
    assert base is not None, "an adapter is no model by itself"
    with _opened(_weights_file(source)) as (shapes, read), open_weights(base) as (base_config, stored):
        adapter = read_adapter(source, shapes)
        if misfit := adapter.misfit(base_config):
            raise UserError(f"The adapter in {source} does not fit the model {base.name}: {misfit}.")
        config = adapter.config_with(base_config)
        steps = Steps(job.progress, config.num_parameters())
        weights = {}
        for name in tensor_shapes(config):
            before = stored[name if name in stored else EMBEDDING].read()
            weights[name] = merged(name, before, adapter, read).clone()
            steps.advance(weights[name].numel())
    if base_config.tie_word_embeddings and HEAD in weights and torch.equal(weights[HEAD], weights[EMBEDDING]):
        config = replace(config, tie_word_embeddings=True)
        del weights[HEAD]
    save_weights(config, weights, job.target, token_ids=token_ids(base))
    copy_files(_tokenizer(source, base), job.target, silent)
    return {}


def _weights_file(folder: Path) -> Path:
    for name in WEIGHTS_FILES:
        if os.path.lexists(folder / name):
            check_is_no_pointer(folder / name)
            return folder / name
    raise UserError(f"{folder} is not a whole adapter: it has no {WEIGHTS_FILES[0]}.")


def _tokenizer(source: Path, base: Path) -> list[Path]:
    """The tokenizer's files beside the adapter where it brings its own vocabulary, else those of the base."""
    own = tokenizer_files(source)
    return own if has_vocabulary({file.name for file in own}) else tokenizer_files(base)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[dict[str, tuple[int, ...]], _Read]]:
    """Shapes of the tensors in a file, by their names there, and a function that reads one.

    Raises:
        UserError: when the file is damaged, or holds types that are not supported.
    """
    if path.suffix == ".bin":
        with _pickled(path) as opened:
            yield opened
        return
    from safetensors import SafetensorError, safe_open

    try:
        path.open("rb").close()  # safetensors would say of every file it may not open that it is missing
        with safe_open(path, framework="pt") as file:
            shapes = {}
            for name in file.keys():  # noqa: SIM118 (not a dict)
                view = file.get_slice(name)
                if view.get_dtype() not in DTYPES:
                    raise UserError(f"{path} stores {name[:100]!a} as {view.get_dtype()}, which is not supported.")
                shapes[name] = tuple(view.get_shape())
            yield shapes, file.get_tensor
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror or error}).") from error
    except SafetensorError as error:
        reason = str(error).splitlines()[0][:200] if str(error) else "no reason given"
        raise UserError(f"{path} is damaged or incomplete ({reason}); download or copy it again.") from error


@contextmanager
def _pickled(path: Path) -> Iterator[tuple[dict[str, tuple[int, ...]], _Read]]:
    import torch

    values = load_pickle(path)
    if not isinstance(values, dict) or not all(
        isinstance(name, str) and isinstance(tensor, torch.Tensor) and tensor.is_floating_point()
        for name, tensor in values.items()
    ):
        raise UserError(f"{path} holds other things than weights by name.")
    yield {name: tuple(tensor.shape) for name, tensor in values.items()}, values.__getitem__


ADAPTER: Final = ImportFormat(
    name="adapter",
    label="a LoRA adapter of peft (adapter_config.json)",
    note="It is merged with its base model into a model of its own; the base stays as it is.",
    patterns=tuple(f"*{Path(name).suffix}" for name in WEIGHTS_FILES),
    generic=("*",),
    find=find,
    look=look,
    write=write,
)
