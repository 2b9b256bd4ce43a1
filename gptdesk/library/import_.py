"""Imports a model into the library: copy, convert, merge or link."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from gptdesk.errors import UserError
from gptdesk.files import sync_folder
from gptdesk.folders import Folders, ensure_folder
from gptdesk.gpt2.layout import CONFIG_FILE, WEIGHTS_FILE, read_config
from gptdesk.gpt2.tokenizers.loading import brings_tokenizer, load_tokenizer
from gptdesk.library.entry import LibraryEntry
from gptdesk.library.files import Progress, add_tokenizer, check_room, disk_sentence, hash_file, silent
from gptdesk.library.importing.base_models import BaseChoice, base_choice, named_base
from gptdesk.library.importing.format import Found, ImportFormat, ImportJob
from gptdesk.library.importing.formats import find_format
from gptdesk.library.library import IMPORTING, Library, now
from gptdesk.library.names import check_name, free_name, taken
from gptdesk.library.record import Record, write_record
from gptdesk.library.weights import check_weights


@dataclass(frozen=True, kw_only=True)
class Importable:
    """What an import would do.

    Attributes:
        path: of the folder or file, absolute.
        name: that the model would have, free in the models folder.
        note: what is done with the files, a sentence.
        converted: whether its weights are rewritten as safetensors.
        linkable: whether it can stay where it is.
        left_out: name of the part that is not loaded; empty for none.
        base: choice of the base model of an adapter; None for a model that is whole.
    """

    path: Path
    name: str
    note: str = ""
    converted: bool
    linkable: bool
    left_out: str = ""
    base: BaseChoice | None = None


def look_at(folders: Folders, path: Path, entries: Sequence[LibraryEntry] | None = None) -> Importable:
    """Whether a folder or file looks like a model, by names and headers alone; nothing is written.

    Args:
        folders: of the person.
        path: folder or file.
        entries: models that an adapter may be merged with; those of the library when not given.

    Raises:
        UserError: when it cannot be imported, with the reason.
    """
    path = _existing(path)
    format, found = _find(path)
    base = None
    if found.base is not None:
        base = base_choice(found.base, Library(folders).entries() if entries is None else entries)
    return Importable(
        path=path,
        name=free_name(format.model_name(path, os.path.isdir(path)), folders.models),
        note=format.note,
        converted=format.converted,
        linkable=found.linkable,
        left_out=found.left_out,
        base=base,
    )


def import_model(
    folders: Folders,
    path: Path,
    *,
    name: str | None = None,
    link: bool = False,
    base: LibraryEntry | None = None,
    progress: Progress = silent,
) -> LibraryEntry:
    """Imports a model of any of `gptdesk.library.importing.formats.FORMATS`.

    Args:
        folders: of the person.
        path: folder or file to import.
        name: of the model here; that of the folder or file when not given.
        link: leave the files where they are, which only a folder of safetensors can.
        base: model that an adapter is merged with; the one that the adapter names when not given.
        progress: of the import; what it raises ends it and leaves nothing behind.

    Raises:
        UserError: when it is no GPT-2 that can be loaded, or cannot be written; nothing is left behind then.
    """
    path = _existing(path)
    format, found = _find(path)
    name = _name(folders, name, format.model_name(path, os.path.isdir(path)))
    if link:
        _check_linkable(path, format, found)
        return Library(folders).link(found.path, name)
    if found.base is None and base is not None:
        raise UserError(f"{path} is no adapter; leave the base model away.")
    if found.base is not None and base is None:
        base = named_base(path, found.base, Library(folders).entries())
    if base is not None and base.path is None:
        raise UserError(f"The base model {base.name} is not on this computer; download it first.")
    size = found.size + (base.size if base else 0)
    with _staging(folders, size) as staging:
        share = 2 if format.converted else 1  # what was written is read again to be hashed
        job = ImportJob(
            found=found,
            target=staging,
            base=base.path if base else None,
            progress=lambda done, total: progress(done, share * total),
        )
        hashes = format.write(job)
        if format.converted:
            _check_tokenizer(staging, path)
        return _finish(folders, staging, name, path, hashes, progress)


def _existing(path: Path) -> Path:
    path = Path(os.path.abspath(os.path.expanduser(path)))
    if not os.path.isdir(path) and not os.path.isfile(path):
        raise UserError(f"There is no file or folder {path}.")
    return path


def _find(path: Path) -> tuple[ImportFormat, Found]:
    format, source = find_format(path)
    return format, format.look(source)


def _check_linkable(path: Path, format: ImportFormat, found: Found) -> None:
    if format.converted:
        raise UserError(f"{path} is converted to safetensors, so that it cannot be linked.")
    if not found.linkable:
        raise UserError(f"Only a folder with {CONFIG_FILE} and {WEIGHTS_FILE} can be linked; import {path} as a copy.")


def _name(folders: Folders, name: str | None, wanted: str) -> str:
    if name is None:
        return free_name(wanted, folders.models)
    if taken(folders.models, check_name(name)):
        raise UserError(f"There is a model called {name} already; take another name.")
    return name


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


def _finish(
    folders: Folders, staging: Path, name: str, source: Path, hashes: Mapping[str, str], progress: Progress
) -> LibraryEntry:
    """Makes sure that what was written can be loaded, and moves it to its place."""
    config = check_weights(staging)
    add_tokenizer(staging, config)
    hashes = _hashes(staging, hashes, progress)
    write_record(staging, Record(source=str(source), sha256=hashes, added=now()))
    sync_folder(staging)
    models = folders.models
    if taken(models, name):
        raise UserError(f"There is a model called {name} already; take another name.")
    os.replace(staging, models / name)
    with suppress(OSError):  # the model is there
        sync_folder(models)
    return Library(folders).entry(name)


def _check_tokenizer(staging: Path, source: Path) -> None:
    """Makes sure that the tokenizer that was written, if any, goes with the model."""
    if not brings_tokenizer(staging):
        return
    try:
        load_tokenizer(staging, read_config(staging))
    except UserError as error:
        raise UserError(str(error).replace(str(staging), str(source))) from error


def _hashes(folder: Path, known: Mapping[str, str], progress: Progress) -> dict[str, str]:
    """SHA-256 of all files; those that are known by now are not read again."""
    hashes, unread = dict(known), [path for path in sorted(folder.iterdir()) if path.name not in known]
    total, before = sum(path.stat().st_size for path in unread), 0
    advance = (lambda done: None) if known else (lambda done: progress(total + before + done, 2 * total))
    for path in unread:
        hashes[path.name] = hash_file(path, advance)
        before += path.stat().st_size
    return hashes
