"""Where unfinished downloads lie."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

DOWNLOADS: Final = ".downloads"
"""Folder in the models folder, with one folder for each unfinished download."""


def has_downloads(models: Path) -> bool:
    """Whether something may be left of a download to the models folder; reads no file."""
    with suppress(OSError):
        return any((models / DOWNLOADS).iterdir())
    return False
