"""Reads ``events.jsonl`` incrementally in large blocks: step events as columns, the others as they are.

`trainer.run_directory.events` reads one event at a time, for a few; this is for millions.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Final

from gptdesk.training.history.event_lines import Lines, parse, parse_later
from gptdesk.training.history.series import Floats
from trainer.run_directory.layout import EVENTS

_BITE: Final = 1 << 18
"""Bytes read at a time; small enough that other threads get the interpreter in between."""

_LONGEST: Final = 1 << 24
"""Longest line in bytes; longer ones are skipped."""

_HEAD: Final = 256
"""Bytes at the beginning that identify a file: they contain the time of the first event."""


@dataclass(frozen=True)
class Batch:
    """Consecutive events.

    Attributes:
        lines: what the first pass read of them.
        rows_to_come: estimated number of events from this batch to the end of the file.
    """

    lines: Lines
    rows_to_come: int


@dataclass(frozen=True)
class Rest:
    """The `LATER` values of a batch's step events, (columns, steps); in the order of the batches."""

    rows: Floats


@dataclass(frozen=True)
class _Stretch:
    """Lines whose `LATER` values are still to be returned: ``rows``, or None to read them again there."""

    offset: int
    length: int
    events: int
    others: list[int]
    rows: Floats | None


class EventFile:
    """Reads what was written since the last call. Holds neither the file nor a lock.

    Args:
        folder: run directory; may not exist yet, and may vanish.

    Attributes:
        complete: everything was read, up to an unfinished line.
        restarts: number of times the file was found truncated or replaced; earlier results are then void.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / EVENTS
        self._offset = 0
        self._identity: tuple[int, int] | None = None
        self._head = b""
        self._stretches: deque[_Stretch] = deque()
        self.complete = False
        self.restarts = 0

    def read(self, until: float) -> Iterator[Batch | Rest]:
        """Yields batches of whole lines, then their `LATER` values, until the monotonic clock shows ``until``.

        Yields at least one item if there is anything to read.
        """
        try:
            with self._path.open("rb", buffering=0) as file:
                self._find_place(file)
                bites = _Bites(file)
                while (found := self._next_batch(bites) or self._next_rest(bites)) is not None:
                    self.complete = False
                    yield found
                    if time.monotonic() >= until:
                        self.complete = not self._stretches and self._offset >= bites.file_size
                        return
                self.complete = True
        except OSError:
            self.complete = True  # missing

    def _find_place(self, file: FileIO) -> None:
        status = os.fstat(file.fileno())
        identity = status.st_dev, status.st_ino
        head = file.read(_HEAD)
        known = self._identity in (None, identity) and head.startswith(self._head) and status.st_size >= self._offset
        if not known:
            self._offset = 0
            self._stretches.clear()
            self.restarts += 1
        self._identity, self._head = identity, head

    def _next_batch(self, bites: _Bites) -> Batch | None:
        """The next whole lines; None when there are none."""
        start, size = self._offset, _BITE
        while True:
            data, read = bites.lines(start, size)
            if data or size >= _LONGEST:
                break
            if read < size:
                return None
            size *= 2
        self._offset += len(data) or read  # the remainder of an overlong line does not parse
        lines = parse(data)
        events = lines.rows.shape[1]
        others = [place for place, _ in lines.others]
        self._stretches.append(_Stretch(start, len(data), events, others, lines.later))
        return Batch(lines, events * (bites.file_size - start) // max(len(data), 1))

    def _next_rest(self, bites: _Bites) -> Rest | None:
        """The `LATER` values of the oldest batch that still lacks them; None when none does."""
        if not self._stretches:
            return None
        stretch = self._stretches[0]
        rows = stretch.rows
        if rows is None:
            data, _ = bites.lines(stretch.offset, stretch.length)
            rows = parse_later(data, stretch.events, stretch.others)
        self._stretches.popleft()  # only now: reading may fail
        return Rest(rows)


class _Bites:
    """Reads blocks of a file into one buffer; allocating a new one each time takes longer than reading."""

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self._memory = bytearray(_BITE)

    @property
    def file_size(self) -> int:
        """Current size in bytes."""
        return os.fstat(self._file.fileno()).st_size

    def lines(self, offset: int, size: int) -> tuple[memoryview, int]:
        """The whole lines of a block, valid until the next call, and the number of bytes read."""
        if size > len(self._memory):
            self._memory = bytearray(size)
        view = memoryview(self._memory)
        self._file.seek(offset)
        read = self._file.readinto(view[:size]) or 0
        return view[: self._memory.rfind(b"\n", 0, read) + 1], read
