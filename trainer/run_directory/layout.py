"""Names of the files in a run directory, and the version of its format."""

from __future__ import annotations

from pathlib import Path
from typing import Final

FORMAT: Final = 1
"""Version of the directory's format; readers understand their own and older ones."""

RUN: Final = "run.json"
CONFIG: Final = "config.json"
EVENTS: Final = "events.jsonl"
STATUS: Final = "status.json"
LOCK: Final = "run.lock"
EXIT: Final = "exit.json"
CONSOLE: Final = "console.log"
SAMPLES: Final = "samples.jsonl"
CHECKPOINTS: Final = "checkpoints"
CHECKPOINT_MANIFEST: Final = "manifest.json"
"""In the folder of a checkpoint: sizes and hashes of its files, written last."""
CONTROL_IN: Final = Path("control", "in")
CONTROL_DONE: Final = Path("control", "done")

LOST_AFTER_SECONDS: Final = 15.0
"""A run on another computer whose heartbeat is older than this is lost: it may live where we cannot see it."""
