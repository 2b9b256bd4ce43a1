"""What a model is called in the window, given the name or the folder that the settings keep."""

from __future__ import annotations

import re
from pathlib import Path

from gptdesk.ui import number_format
from trainer.rundir import CHECKPOINTS

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
