"""The run directory: what a run writes down, and how others read it. Imports neither torch nor Qt.

``run.json`` is written once; ``events.jsonl`` grows by one line an event, each written in one call; ``status.json`` is replaced
whole; ``checkpoints/`` holds one folder a checkpoint. Readers never lock.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from gptdesk.gpt2.errors import UserError

RUN: Final = "run.json"
EVENTS: Final = "events.jsonl"
STATUS: Final = "status.json"
CHECKPOINTS: Final = "checkpoints"


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Replaces a JSON file as a whole: readers see the old contents or the new, never half."""
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(values, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


class RunWriter:
    """Writes one run's directory.

    Args:
        folder: made when it is not there.
        description: what ``run.json`` records of this run; kept from the first start when the run is resumed.
    """

    def __init__(self, folder: Path, description: Mapping[str, Any]) -> None:
        self.folder = folder
        self.checkpoints = folder / CHECKPOINTS
        try:
            self.checkpoints.mkdir(parents=True, exist_ok=True)
            if not (folder / RUN).exists():
                write_json(folder / RUN, description)
            self._events = os.open(folder / EVENTS, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        except OSError as error:
            raise UserError(f"The run directory {folder} cannot be written: {error.strerror}.") from None

    def event(self, kind: str, **values: Any) -> None:
        """Appends one event. Numbers that are not finite become null and are named under ``nonfinite``."""
        nonfinite = [key for key, value in values.items() if isinstance(value, float) and not math.isfinite(value)]
        line: dict[str, Any] = {"v": 1, "t": round(time.time(), 3), "ev": kind, **values}
        line |= {key: None for key in nonfinite} | ({"nonfinite": nonfinite} if nonfinite else {})
        os.write(self._events, (json.dumps(line, separators=(",", ":")) + "\n").encode())

    def status(self, state: str, **values: Any) -> None:
        """Replaces ``status.json``."""
        write_json(self.folder / STATUS, {"state": state, "pid": os.getpid(), "heartbeat": time.time(), **values})

    def close(self) -> None:
        os.close(self._events)


def read_events(folder: Path) -> Iterator[dict[str, Any]]:
    """The events of a run so far; a line that is not whole yet is left for later."""
    with (folder / EVENTS).open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield json.loads(line)
