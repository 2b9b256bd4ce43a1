"""Names of models: the title that the window shows, the value in the settings, the key in lists."""

from __future__ import annotations

import re
from pathlib import Path

from gptdesk.library.entry import LibraryEntry
from gptdesk.ui import number_format
from trainer.run_directory.layout import CHECKPOINTS

_STAMP = re.compile(r"^\d{8}-\d{6}-")
"""Begins the folder of a run that the window started."""


def model_title(model: str) -> str:
    """Stories, or my-run · step 4,000 for the checkpoint of a run."""
    path = Path(model)
    if path.parent.name != CHECKPOINTS:
        return path.name
    run = _STAMP.sub("", path.parent.parent.name)
    number = path.name.removeprefix("step-")
    return f"{run} · step {number_format.count(int(number)) if number.isdecimal() else number}"


def title_of(entry: LibraryEntry) -> str:
    """Returns the title of a model in the library."""
    return model_title(str(entry.path)) if entry.kind == "run" else entry.name


def entry_key(entry: LibraryEntry) -> str:
    """Returns the key of a model, unique among all that are listed."""
    return f"{entry.kind}:{entry.name}"


def setting_of(entry: LibraryEntry) -> str:
    """Returns what the settings keep: the name where that finds the model, else its folder; "" if it is not local."""
    if entry.kind in ("bundled", "installed", "linked"):
        return entry.name
    return str(entry.path) if entry.path else ""
