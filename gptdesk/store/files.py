"""Replaces files atomically, and sets aside files that cannot be read."""

from __future__ import annotations

import os
import time
from pathlib import Path

from gptdesk.files import write_bytes
from gptdesk.folders import ensure_folder


def write_atomic(path: Path, data: bytes) -> None:
    """Replaces ``path`` by ``data`` in one step: readers, even after a crash, see the old file or the new one.

    Raises:
        OSError: when the disk is full or may not be written; the old file stays.
        UserError: when the folder cannot be made.
    """
    ensure_folder(path.parent)
    write_bytes(path, data)


def set_aside(path: Path) -> Path:
    """Renames a file that cannot be read, so that nothing overwrites it, and returns its new path.

    Raises:
        OSError: when the folder may not be written.
    """
    stamp = time.strftime("%Y%m%d-%H%M%S")
    aside = path.with_name(f"{path.name}.unreadable-{stamp}")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.unreadable-{stamp}-{number}")
    os.replace(path, aside)
    return aside
