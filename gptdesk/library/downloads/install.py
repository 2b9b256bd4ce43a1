"""Moves a downloaded model into the library."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from gptdesk.errors import UserError
from gptdesk.files import sync_folder
from gptdesk.library.library import now
from gptdesk.library.names import free_name, taken
from gptdesk.library.record import read_record, write_record


def install(ready: Path, models: Path, name: str) -> str:
    """Moves a complete model folder into the models folder and returns the model's name there.

    Args:
        ready: the folder, with its record.
        models: the models folder.
        name: wanted; a number is added if another model got it meanwhile.

    Raises:
        UserError: when the folder cannot be moved.
    """
    if taken(models, name):
        name = free_name(name, models)
    try:
        write_record(ready, replace(read_record(ready), added=now()))
        os.replace(ready, models / name)
    except OSError as error:
        raise UserError(f"The model cannot be moved to {models} ({error.strerror}).") from error
    with suppress(OSError):  # the model is in its place all the same
        sync_folder(models)
    return name
