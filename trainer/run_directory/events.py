"""Follows the event files of a run as they grow. Imports neither torch nor Qt."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from gptdesk.bounded_read import ContentError, parse_json
from trainer.run_directory.fields import EVENT_FIELDS, checked
from trainer.run_directory.layout import EVENTS, FORMAT

_BUFFER: Final = 1 << 18
"""Bytes read at a time."""

_LAST_BYTES: Final = 1 << 20

LONGEST_LINE: Final = 1 << 22
"""Bytes of a line; what is longer is no event of ours."""


class EventTail:
    """Follows a file of events: each `read` gives what was written since the last, and costs no more than that.

    It holds neither the file nor a lock, so there may be any number of readers. A line is read when it is whole. When
    the file was cut, or another was put in its place, it is read from its beginning.

    Args:
        folder: run directory; it need not be there yet, and may vanish.
        name: of the file in it.

    Attributes:
        restarts: how often the file turned out to be another; what was read before then no longer holds.
    """

    def __init__(self, folder: Path, name: str = EVENTS) -> None:
        self._path = folder / name
        self._offset = 0
        self._within_line = False  # one that is too long
        self._file_id: tuple[int, int] | None = None
        self.restarts = 0

    def skip(self) -> None:
        """Passes over what is there already, without reading it."""
        try:
            with self._path.open("rb") as file:
                self._file_id = _identity(file.fileno())
                self._offset = file.seek(0, os.SEEK_END)
        except OSError:
            return

    def read(self) -> Iterator[dict[str, Any]]:
        """The events since the last call. A line that is broken, endless, or of a newer format, is passed over."""
        try:
            with self._path.open("rb", buffering=_BUFFER) as file:
                self._find_place(file.fileno())
                file.seek(self._offset)
                while line := file.readline(LONGEST_LINE):
                    is_whole = line.endswith(b"\n")
                    if not is_whole and len(line) < LONGEST_LINE:
                        return
                    self._offset += len(line)
                    event = None if self._within_line or not is_whole else _parse(line)
                    self._within_line = not is_whole
                    if event is not None:
                        yield event
        except OSError:
            return  # not there yet, or no longer

    def _find_place(self, handle: int) -> None:
        identity, size = _identity(handle), os.fstat(handle).st_size
        if self._file_id not in (None, identity) or size < self._offset:
            self._offset = 0
            self._within_line = False
            self.restarts += 1
        self._file_id = identity


def read_events(folder: Path) -> Iterator[dict[str, Any]]:
    """The events of a run so far; none when there is no run."""
    return EventTail(folder).read()


def newest_step(folder: Path) -> dict[str, Any]:
    """The last step event of a run, sought in the last megabyte of the file; empty where there is none."""
    try:
        with (folder / EVENTS).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(0, size - _LAST_BYTES))
            lines = file.read(_LAST_BYTES).splitlines()
    except OSError:
        return {}
    events = (_parse(line) for line in reversed(lines) if b'"step"' in line)
    return next((event for event in events if event is not None and event.get("ev") == "step"), {})


def _identity(handle: int) -> tuple[int, int]:
    status = os.fstat(handle)
    return status.st_dev, status.st_ino


def _parse(line: bytes) -> dict[str, Any] | None:
    """One whole line; None when it is no event, or of a newer format."""
    try:
        event = parse_json(line)
    except ContentError:
        return None
    version = event.get("v", FORMAT) if isinstance(event, dict) else None
    return checked(event, EVENT_FIELDS)[0] if isinstance(version, int) and version <= FORMAT else None
