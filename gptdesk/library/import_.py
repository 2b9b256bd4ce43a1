"""Imports a model into the library: copy, convert or link."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gptdesk.errors import UserError
from gptdesk.files import sync_folder
from gptdesk.folders import Folders, ensure_folder
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.layout import (
    CONFIG_FILE,
    CONVERTED,
    INDEX_FILE,
    WEIGHTS_FILE,
    check_is_no_pointer,
    left_out,
    weight_files,
)
from gptdesk.gpt2.tokenizers.folder_files import tokenizer_files
from gptdesk.library.entry import LibraryEntry
from gptdesk.library.files import (
    Progress,
    add_tokenizer,
    check_room,
    copy_files,
    disk_sentence,
    hash_file,
    silent,
)
from gptdesk.library.known import KNOWN
from gptdesk.library.library import IMPORTING, Library, now
from gptdesk.library.names import check_name, free_name, taken
from gptdesk.library.record import Record, write_record
from gptdesk.library.repository import PICKLE_FILE
from gptdesk.library.weights import check_weights, stored_shapes

PICKLES: Final = (".bin", ".pt", ".pth", ".ckpt")


@dataclass(frozen=True, kw_only=True)
class Importable:
    """What an import would do.

    Attributes:
        path: of the folder or file, absolute.
        name: that the model would have, free in the models folder.
        converted: whether its weights are rewritten as safetensors.
        linkable: whether it can stay where it is.
        left_out: name of the part that is not loaded; empty for none.
    """

    path: Path
    name: str
    converted: bool
    linkable: bool
    left_out: str = ""


def look_at(folders: Folders, path: Path) -> Importable:
    """Whether a folder or file looks like a model, by names and headers alone; nothing is written.

    Raises:
        UserError: when it cannot be imported, with the reason.
    """
    path = _existing(path)
    if os.path.isdir(path):
        pickle = _only_pickle(path)
        if pickle is None:
            check_weights(path)
    elif path.suffix.lower() in PICKLES:
        pickle = path
    else:
        pickle = None
        _check_file(path)
    if pickle is not None:
        check_is_no_pointer(pickle)
    name = free_name(_name_of(path), folders.models)
    beside = path.name == WEIGHTS_FILE and os.path.lexists(path.with_name(CONFIG_FILE))
    linkable = pickle is None and (os.path.isdir(path) or beside)
    home = path if os.path.isdir(path) else path.parent
    rest = left_out(home) if os.path.lexists(home / CONFIG_FILE) else ""
    return Importable(path=path, name=name, converted=pickle is not None, linkable=linkable, left_out=rest)


def import_model(
    folders: Folders, path: Path, *, name: str | None = None, link: bool = False, progress: Progress = silent
) -> LibraryEntry:
    """Imports a model folder, a ``.safetensors`` file, or a pickle of weights (``.bin``, nanoGPT's ``.pt``).

    Args:
        folders: of the person.
        path: what to import.
        name: of the model here; that of the folder or file when not given.
        link: leave the files where they are, which only a folder of safetensors can.
        progress: of the copy.

    Raises:
        UserError: when it is no GPT-2 that can be loaded, or cannot be written; nothing is left behind then.
    """
    path = _existing(path)
    if os.path.isdir(path):
        return import_folder(folders, path, name=name, link=link, progress=progress)
    return import_file(folders, path, name=name, link=link, progress=progress)


def import_folder(
    folders: Folders, path: Path, *, name: str | None = None, link: bool = False, progress: Progress = silent
) -> LibraryEntry:
    """Imports a folder in the hub's layout, or one that nanoGPT wrote; as `import_model`."""
    pickle = _only_pickle(path)
    name = _name(folders, name, _name_of(path))
    if link:
        if pickle is not None:
            raise UserError(f"{path} holds no safetensors, so that its weights are converted: it cannot be linked.")
        for file in (path / CONFIG_FILE, *weight_files(path)):
            _check_inside(file, path)
        return Library(folders).link(path, name)
    if pickle is not None:
        for file in (pickle, path / CONFIG_FILE, *tokenizer_files(path)):
            _check_inside(file, path)
        return _convert(folders, pickle, name, progress)
    check_weights(path)
    files = [path / CONFIG_FILE, *weight_files(path)]
    if not os.path.lexists(path / WEIGHTS_FILE):
        files.append(path / INDEX_FILE)
    files += tokenizer_files(path)
    for file in files:
        _check_inside(file, path)
    with _staging(folders, sum(file.stat().st_size for file in files)) as staging:
        hashes = copy_files(files, staging, progress)
        return _finish(folders, staging, name, path, hashes)


def import_file(
    folders: Folders, path: Path, *, name: str | None = None, link: bool = False, progress: Progress = silent
) -> LibraryEntry:
    """Imports one file of weights, with the ``config.json`` beside it if there is one; as `import_model`."""
    if path.suffix.lower() in PICKLES:
        if link:
            raise UserError(f"{path} is converted to safetensors, so that it cannot be linked.")
        return _convert(folders, path, _name(folders, name, _name_of(path)), progress)
    _check_file(path)
    if path.name == WEIGHTS_FILE and os.path.lexists(path.with_name(CONFIG_FILE)):
        return import_folder(folders, path.parent, name=name, link=link, progress=progress)
    if link:
        raise UserError(f"Only a folder with {CONFIG_FILE} and {WEIGHTS_FILE} can be linked; import {path} as a copy.")
    name = _name(folders, name, _name_of(path))
    with _staging(folders, path.stat().st_size) as staging:
        if os.path.lexists(path.with_name(CONFIG_FILE)):
            hashes = _copy_beside(path, staging)
        else:
            config = _known_config(path)
            (staging / CONFIG_FILE).write_text(json.dumps(config.to_json(), indent=2) + "\n")
            hashes = {CONFIG_FILE: hash_file(staging / CONFIG_FILE)}
        hashes |= copy_files([path], staging, progress, name=WEIGHTS_FILE)
        return _finish(folders, staging, name, path, hashes)


def _existing(path: Path) -> Path:
    path = Path(os.path.abspath(os.path.expanduser(path)))
    if not os.path.isdir(path) and not os.path.isfile(path):
        raise UserError(f"There is no file or folder {path}.")
    return path


def _check_file(path: Path) -> None:
    """Refuses a file that is neither weights of safetensors nor has a config to go by."""
    if path.suffix.lower() != ".safetensors":
        raise UserError(f"{path} is no model: choose a folder with one, a .safetensors, or a .bin or .pt of weights.")
    check_is_no_pointer(path)
    if not os.path.lexists(path.with_name(CONFIG_FILE)):
        _known_config(path)
    elif path.name == WEIGHTS_FILE:
        check_weights(path.parent)


def _copy_beside(path: Path, staging: Path) -> dict[str, str]:
    """Copies config and tokenizer that lie beside a file of weights; returns their hashes."""
    files = [path.with_name(CONFIG_FILE), *tokenizer_files(path.parent)]
    for file in files:
        _check_inside(file, path.parent)
    return copy_files(files, staging, silent)


def _known_config(path: Path) -> GPT2Config:
    """The config of a file that has none beside it: the number of heads shows in no weight, so only known shapes do."""
    shapes = stored_shapes(path)
    width = shapes.get("wte.weight", (0, 0))[-1]
    layers = {name.split(".")[1] for name in shapes if name.startswith("h.")}
    for known in KNOWN:
        if not known.more and (known.config.n_embd, known.config.n_layer) == (width, len(layers)):
            return known.config
    raise UserError(f"{path} has no {CONFIG_FILE} beside it, and its shape is none of OpenAI's; put its config there.")


def _only_pickle(path: Path) -> Path | None:
    """The pickle of a folder that has no safetensors."""
    if os.path.lexists(path / WEIGHTS_FILE) or os.path.lexists(path / INDEX_FILE):
        return None
    names = [name for name in CONVERTED if name != PICKLE_FILE or os.path.lexists(path / CONFIG_FILE)]
    return next((path / name for name in names if os.path.isfile(path / name)), None)


def _convert(folders: Folders, path: Path, name: str, progress: Progress) -> LibraryEntry:
    from gptdesk.library.pickles import convert_pickle

    size = path.stat().st_size
    total = 2 * size  # read, and what was written read again
    progress(0, total)
    with _staging(folders, size) as staging:
        if os.path.lexists(path.with_name(CONFIG_FILE)):
            _copy_beside(path, staging)
        convert_pickle(path, staging, lambda done: progress(min(done, size), total))
        hashes = _hashes(staging, lambda done: progress(min(size + done, total), total))
        return _finish(folders, staging, name, path, hashes)


def _check_inside(file: Path, folder: Path) -> None:
    """Refuses a link that leads out of the folder; into the blobs of the hub's cache it may, whose files are links."""
    real, home = os.path.realpath(file), os.path.realpath(folder)
    allowed = [Path(home)]
    if Path(home).parent.name == "snapshots":
        allowed.append(Path(home).parent.parent / "blobs")
    if not any(Path(real).is_relative_to(place) for place in allowed):
        raise UserError(
            f"{file} is a link to {real}, outside of the folder; import the folder where the file really is."
        )


def _name(folders: Folders, name: str | None, wanted: str) -> str:
    if name is None:
        return free_name(wanted, folders.models)
    if taken(folders.models, check_name(name)):
        raise UserError(f"There is a model called {name} already; take another name.")
    return name


def _name_of(path: Path) -> str:
    """What a folder's or file's model is called: a file's by its folder, where all such files have its name."""
    if os.path.isdir(path):
        return path.name
    return path.parent.name if path.name in (WEIGHTS_FILE, PICKLE_FILE, "ckpt.pt") else path.stem


@contextmanager
def _staging(folders: Folders, size: int) -> Iterator[Path]:
    """A folder beside the models to work in, that is gone afterwards unless it was moved to its place."""
    models = ensure_folder(folders.models)
    Library(folders).clean_up()
    staging = models / f"{IMPORTING}{uuid.uuid4().hex}"
    try:
        check_room(models, size)
        ensure_folder(staging)
        yield staging
    except OSError as error:
        raise UserError(disk_sentence(error, models, "import")) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _hashes(folder: Path, advance: Callable[[int], None]) -> dict[str, str]:
    hashes, before = {}, 0
    for path in sorted(folder.iterdir()):
        hashes[path.name] = hash_file(path, lambda done, before=before: advance(before + done))  # type: ignore[misc]
        before += path.stat().st_size
    return hashes


def _finish(folders: Folders, staging: Path, name: str, source: Path, hashes: dict[str, str]) -> LibraryEntry:
    """Makes sure that what was written can be loaded, and moves it to its place."""
    config = check_weights(staging)
    hashes |= {name: hash_file(staging / name) for name in add_tokenizer(staging, config)}
    write_record(staging, Record(source=str(source), sha256=hashes, added=now()))
    sync_folder(staging)
    if taken(folders.models, name):
        raise UserError(f"There is a model called {name} already; take another name.")
    os.replace(staging, folders.models / name)
    with suppress(OSError):  # the model is there
        sync_folder(folders.models)
    return Library(folders).entry(name)
