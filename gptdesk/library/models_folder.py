"""Changes the models folder: checks the new one, and links the models of the former one in it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from gptdesk.errors import UserError
from gptdesk.folders import Folders, ensure_folder
from gptdesk.gpt2.layout import CONFIG_FILE
from gptdesk.library.library import RECORDS, Library
from gptdesk.library.names import free_name, taken
from gptdesk.library.record import RECORD_FILE, read_record, write_record

_MOST_NAMED: Final = 3
"""Foreign files that the error message names."""


def check_models_folder(folder: Path, current: Path) -> Path:
    """Makes the folder if it is missing, checks that it can hold models, and returns its absolute path.

    Args:
        folder: the new models folder.
        current: the present one.

    Raises:
        UserError: when it cannot be made or written, one of the two lies inside the other, or it holds other files.
    """
    folder = Path(os.path.abspath(os.path.expanduser(folder)))
    real, now = Path(os.path.realpath(folder)), Path(os.path.realpath(current))
    if real != now and (real.is_relative_to(now) or now.is_relative_to(real)):
        raise UserError(f"{folder} and the present models folder {current} lie inside each other; choose another one.")
    ensure_folder(folder)
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
        inside = [path for path in folder.iterdir() if not path.name.startswith(".")]
        foreign = sorted(path.name for path in inside if not _is_model(path))
    except OSError as error:
        raise UserError(f"{folder} cannot be written ({error.strerror}); choose another folder.") from error
    if foreign:
        names = ", ".join(foreign[:_MOST_NAMED]) + (", …" if len(foreign) > _MOST_NAMED else "")
        raise UserError(f"{folder} holds other files than models ({names}); choose an empty folder, or make a new one.")
    return folder


def link_models(folders: Folders, folder: Path, progress: Callable[[int, int], object]) -> dict[str, str]:
    """Links the models of the models folder in another one. The models stay where they are.

    Args:
        folders: of the person, with the present models folder.
        folder: the other one, as `check_models_folder` returns it.
        progress: called with the number of models done and their total.

    Returns:
        New names by old names, where a name was taken.

    Raises:
        UserError: when a link cannot be written; links written before stay.
    """
    library, renamed = Library(folders), {}
    entries = list(library.installed())
    for done, entry in enumerate(entries):
        progress(done, len(entries))
        record = library.record(entry)
        target = record.link if entry.kind == "linked" else str(folders.models / entry.name)
        if _is_in(target, folder) or _is_same(read_record(folder / entry.name).link, target):
            continue  # the new folder has it already, from an earlier change
        name = entry.name if not taken(folder, entry.name) else free_name(entry.name, folder)
        write_record(ensure_folder(folder / name), replace(record, link=target))
        if name != entry.name:
            renamed[entry.name] = name
    with suppress(OSError):  # settings of models that lie elsewhere; without them their defaults apply
        shutil.copytree(folders.models / RECORDS, folder / RECORDS, dirs_exist_ok=True)
    return renamed


def _is_in(target: str, folder: Path) -> bool:
    return Path(os.path.realpath(target)).is_relative_to(os.path.realpath(folder))


def _is_same(link: str, target: str) -> bool:
    return bool(link) and os.path.realpath(link) == os.path.realpath(target)


def _is_model(path: Path) -> bool:
    return path.is_dir() and any(os.path.lexists(path / name) for name in (CONFIG_FILE, RECORD_FILE))
