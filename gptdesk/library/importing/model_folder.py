"""Imports a folder in the hub's layout, or one ``.safetensors`` file: their files are copied."""

from __future__ import annotations

import json
import os
from pathlib import Path

from gptdesk.errors import UserError
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.layout import CONFIG_FILE, INDEX_FILE, WEIGHTS_FILE, check_is_no_pointer, left_out, weight_files
from gptdesk.gpt2.tokenizers.folder_files import check_form, tokenizer_files
from gptdesk.library.files import copy_files, hash_file, silent
from gptdesk.library.importing.format import Found, ImportFormat, ImportJob
from gptdesk.library.importing.known_shapes import known_config
from gptdesk.library.importing.links import check_inside
from gptdesk.library.importing.readers.lora import WEIGHTS_FILES as ADAPTERS
from gptdesk.library.weights import check_weights, stored_shapes

SUFFIX = ".safetensors"


def find(path: Path) -> Path | None:
    """The folder, also for its ``model.safetensors``; a file of another name, or without a config, by itself."""
    if os.path.isdir(path):
        has_weights = any(os.path.lexists(path / name) for name in (WEIGHTS_FILE, INDEX_FILE))
        return path if has_weights else None
    if path.suffix.lower() != SUFFIX or path.name in ADAPTERS:
        return None
    has_config = path.name == WEIGHTS_FILE and os.path.lexists(path.with_name(CONFIG_FILE))
    return path.parent if has_config else path


def look(source: Path) -> Found:
    """Checks the headers of the weights, and where the files really lie.

    Raises:
        UserError: when they are no whole GPT-2, or links out of the folder.
    """
    if os.path.isdir(source):
        check_form(str(source), os.listdir(source))
        check_weights(source)
    else:
        check_is_no_pointer(source)
        if not os.path.lexists(source.with_name(CONFIG_FILE)):
            _config_of(source)
        else:
            check_form(str(source.parent), os.listdir(source.parent))
    files = _files(source)
    is_folder = os.path.isdir(source)
    check_inside(files if is_folder else files[1:], source if is_folder else source.parent)
    has_config = any(file.name == CONFIG_FILE for file in files)
    return Found(
        path=source,
        size=sum(file.stat().st_size for file in files),
        linkable=is_folder,
        left_out=left_out(source if is_folder else source.parent) if has_config else "",
    )


def write(job: ImportJob) -> dict[str, str]:
    """Copies the files; returns the hashes of them all."""
    source, target = job.found.path, job.target
    files = _files(source)
    if os.path.isdir(source):
        return copy_files(files, target, job.progress)
    hashes = copy_files(files[1:], target, silent)
    if not hashes:
        (target / CONFIG_FILE).write_text(json.dumps(_config_of(source).to_json(), indent=2) + "\n")
        hashes = {CONFIG_FILE: hash_file(target / CONFIG_FILE)}
    return hashes | copy_files(files[:1], target, job.progress, name=WEIGHTS_FILE)


def _files(source: Path) -> list[Path]:
    """What is copied: of a single file, itself first, and the config and tokenizer beside it if there is a config."""
    if os.path.isdir(source):
        index = [] if os.path.lexists(source / WEIGHTS_FILE) else [source / INDEX_FILE]
        return [source / CONFIG_FILE, *weight_files(source), *index, *tokenizer_files(source)]
    config = source.with_name(CONFIG_FILE)
    return [source, config, *tokenizer_files(source.parent)] if os.path.lexists(config) else [source]


def _config_of(path: Path) -> GPT2Config:
    if (config := known_config(stored_shapes(path))) is None:
        raise UserError(
            f"{path} has no {CONFIG_FILE} beside it, and its shape is none of OpenAI's; put its config there."
        )
    return config


MODEL_FOLDER = ImportFormat(
    name="folder",
    label="a model folder in the hub's layout (config.json, model.safetensors)",
    note="Its weights, config and tokenizer are taken; other files stay where they are.",
    patterns=(f"*{SUFFIX}",),
    generic=(WEIGHTS_FILE,),
    find=find,
    look=look,
    write=write,
    converted=False,
)
