"""Finds models by name or folder and describes them without loading weights. Imports no torch."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from gptdesk.errors import UserError
from gptdesk.folders import Folders
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.layout import CONFIG_FILE, left_out, read_config, weight_files
from gptdesk.library.known_models.known import KNOWN, Known, find_known
from gptdesk.library.memory import fits, memory_needed
from gptdesk.library.record import Record, read_record
from gptdesk.library.weights import check_sizes
from gptdesk.resource_files import resource

__all__ = [
    "BUNDLED",
    "BUNDLED_SHA256",
    "KNOWN",
    "Known",
    "ModelEntry",
    "bundled_folder",
    "describe_model",
    "describe_named",
    "find_known",
    "find_model",
    "fits",
    "list_models",
    "memory_needed",
]

BUNDLED: Final = "stories"
"""Name of the model that ships with gptdesk."""

BUNDLED_SHA256: Final = "007166db8fa648bbb445a00fb8526c0543b5f67437ee395aa1d4b4995c85306f"
"""SHA-256 of the weights of the bundled model."""


class ModelEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A model on this computer whose folder has all its files, of the right size; its weights have not been read.

    Attributes:
        name: shown to people; `find_model` finds the bundled model and those in the models folder by it.
        path: its folder.
        config: its shape.
        size: of its weights on disk, in bytes.
        left_out: name of the part that is not loaded; empty for none.
        tokenizer: where its tokens come from, in words.
    """

    name: str
    path: Path
    config: GPT2Config
    size: int
    left_out: str = ""
    tokenizer: str = ""

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return self.config.num_parameters()

    @property
    def bundled(self) -> bool:
        """Whether it is the model that ships with gptdesk."""
        return self.path == bundled_folder()


def bundled_folder() -> Path:
    """Folder of the bundled model."""
    return resource("models", BUNDLED)


def find_model(name_or_folder: str, folders: Folders) -> ModelEntry:
    """The model of that name, or in that folder. Names take precedence; ``./stories`` is always a folder.

    Raises:
        UserError: when there is none, or its folder holds no GPT-2 that gptdesk can load.
    """
    if not name_or_folder:
        raise UserError(f"Give a model: {BUNDLED}, the name of a model on this computer, or a model's folder.")
    if name_or_folder == BUNDLED:
        if not bundled_folder().is_dir():
            raise UserError(f"The bundled model {BUNDLED} is missing; install gptdesk again or name a model's folder.")
        return describe_model(bundled_folder())
    is_name = Path(name_or_folder).name == name_or_folder != ".."
    if is_name and os.path.isdir(folders.models / name_or_folder):
        return describe_named(folders.models / name_or_folder)
    path = Path(os.path.expanduser(name_or_folder))  # Path's own raises where ~name is nobody's
    if not os.path.exists(path):
        if (known := find_known(name_or_folder)) is not None:
            raise UserError(
                f"There is no model called {name_or_folder!r} here yet; download it with: gptdesk models download "
                f"{known.name}"
            )
        raise UserError(
            f"There is no model called {name_or_folder!r}: give {BUNDLED}, the name of a model on this computer, or a "
            "model's folder."
        )
    return describe_model(path.absolute())


def _tokenizer(folder: Path) -> str:
    """Origin of a model's tokenizer, as people read it; says where OpenAI's is assumed."""
    from gptdesk.gpt2.tokenizers.loading import brings_tokenizer  # the window asks after it was painted

    return "From the model's folder" if brings_tokenizer(folder) else "GPT-2's, assumed: its folder has none"


def describe_model(folder: Path) -> ModelEntry:
    """The entry of a folder.

    Raises:
        UserError: when it holds no GPT-2 that gptdesk can load, judged by file names, config, headers and sizes.
    """
    config = read_config(folder)
    files = weight_files(folder)
    check_sizes(files)
    size = sum(file.stat().st_size for file in files)
    return ModelEntry(
        name=folder.name, path=folder, config=config, size=size, left_out=left_out(folder), tokenizer=_tokenizer(folder)
    )


def describe_named(folder: Path) -> ModelEntry:
    """The entry of a folder in the models folder; follows a link to a model elsewhere.

    Raises:
        UserError: as `describe_model`, or when the linked folder is missing.
    """
    record = read_record(folder)
    if not is_link(folder, record):
        return describe_model(folder)
    link = record.link
    if not os.path.isdir(link):
        raise UserError(
            f"The model {folder.name} is in {link}, which is not there; connect its disk, or remove the model and "
            "import it again."
        )
    return replace(describe_model(Path(link)), name=folder.name)


def is_link(folder: Path, record: Record) -> bool:
    """Whether a folder is a link to a model elsewhere: its record says so, and it holds no model itself."""
    return bool(record.link) and not os.path.lexists(folder / CONFIG_FILE)


def list_models(folders: Folders) -> list[ModelEntry]:
    """The bundled model and the usable models in the models folder, by name."""
    try:
        inside = sorted(path for path in folders.models.iterdir() if not path.name.startswith("."))
    except OSError:  # not made yet
        inside = []
    entries = []
    for folder in [bundled_folder(), *inside]:
        try:
            entries.append(describe_named(folder))
        except UserError:
            continue
    return entries
