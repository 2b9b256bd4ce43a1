"""Imports pickled weights: ``pytorch_model.bin``, nanoGPT's ``ckpt.pt``, and others with a config beside them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from gptdesk.gpt2.layout import CONFIG_FILE, CONVERTED, check_is_no_pointer, left_out
from gptdesk.gpt2.tokenizers.folder_files import check_form, tokenizer_files
from gptdesk.library.files import copy_files, silent
from gptdesk.library.importing.format import Found, ImportFormat, ImportJob
from gptdesk.library.importing.links import check_inside
from gptdesk.library.importing.nanogpt import convert_nanogpt, is_nanogpt, vocabulary_beside
from gptdesk.library.pickles import convert_hub, load_pickle
from gptdesk.library.repository import PICKLE_FILE

_SUFFIXES: Final = (".bin", ".pt", ".pth", ".ckpt")


def find(path: Path) -> Path | None:
    """The pickle of a folder: the hub's, which needs a config beside it, or nanoGPT's."""
    if not os.path.isdir(path):
        return path if path.suffix.lower() in _SUFFIXES else None
    names = [name for name in CONVERTED if name != PICKLE_FILE or os.path.lexists(path / CONFIG_FILE)]
    return next((path / name for name in names if os.path.isfile(path / name)), None)


def look(source: Path) -> Found:
    """Checks where the files beside it really lie; a pickle is opened only when it is imported.

    Raises:
        UserError: when it is a pointer of Git LFS, or what lies beside it a link out of the folder.
    """
    check_is_no_pointer(source)
    check_inside([*_beside(source), *vocabulary_beside(source)], source.parent)
    has_config = os.path.lexists(source.with_name(CONFIG_FILE))
    if has_config:
        check_form(str(source.parent), os.listdir(source.parent))
    rest = left_out(source.parent) if has_config else ""
    return Found(path=source, size=source.stat().st_size, left_out=rest)


def write(job: ImportJob) -> dict[str, str]:
    """Converts the weights, with config and tokenizer that lie beside them."""
    file, size = job.found.path, job.found.size

    def advance(done: int) -> None:
        job.progress(min(done, size), size)

    advance(0)
    values = load_pickle(file)
    if is_nanogpt(values):
        convert_nanogpt(file, values, job.target, advance)
    else:
        copy_files(_beside(file), job.target, silent)
        convert_hub(file, values, job.target, advance)
    return {}


def _beside(file: Path) -> list[Path]:
    config = file.with_name(CONFIG_FILE)
    return [config, *tokenizer_files(file.parent)] if os.path.lexists(config) else []


PICKLE: Final = ImportFormat(
    name="pickle",
    label="pickled weights (pytorch_model.bin, a checkpoint of nanoGPT)",
    note="Its weights are converted to safetensors; nothing else that the file may hold is opened or run.",
    patterns=tuple(f"*{suffix}" for suffix in _SUFFIXES),
    generic=CONVERTED,
    find=find,
    look=look,
    write=write,
)
