"""Reads the events of a run one by one, also while they are written. Imports neither torch nor Qt."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from gptdesk.bounded_read import ContentError, parse_json
from trainer.run_directory.fields import EVENT_FIELDS, checked
from trainer.run_directory.layout import EVENTS, FORMAT
from trainer.run_directory.tail import LineTail

_LAST_BYTES: Final = 1 << 20


class EventTail:
    """Follows a file of events: each `read` yields those written since the last call, and costs no more than that.

    Args:
        folder: run directory; it may not exist yet, and may vanish.
        name: of the file in it.
    """

    def __init__(self, folder: Path, name: str = EVENTS) -> None:
        self._tail = LineTail(folder / name)

    @property
    def restarts(self) -> int:
        """How often the file was found cut or replaced; events read before are then void."""
        return self._tail.restarts

    def skip(self) -> None:
        """Passes over the events that are in the file now."""
        self._tail.skip()

    def read(self) -> Iterator[dict[str, Any]]:
        """The events since the last call, which is to be read to its end; lines without a readable event are skipped.

        Those are broken, too long, or of a newer format.
        """
        for block in self._tail.blocks():
            for line in block.split(b"\n"):
                if line and (event := _parse(line)) is not None:
                    yield event


def newest_step(folder: Path) -> dict[str, Any]:
    """The last step event in the last megabyte of the file; empty when there is none."""
    try:
        with (folder / EVENTS).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(0, size - _LAST_BYTES))
            lines = file.read(_LAST_BYTES).splitlines()
    except OSError:
        return {}
    events = (_parse(line) for line in reversed(lines) if b'"step"' in line)
    return next((event for event in events if event is not None and event.get("ev") == "step"), {})


def _parse(line: bytes) -> dict[str, Any] | None:
    """The event in a whole line; ``None`` when there is none, or it is of a newer format."""
    try:
        event = parse_json(line)
    except ContentError:
        return None
    version = event.get("v", FORMAT) if isinstance(event, dict) else None
    return checked(event, EVENT_FIELDS)[0] if isinstance(version, int) and version <= FORMAT else None
