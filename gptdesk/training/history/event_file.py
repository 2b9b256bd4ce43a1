"""``events.jsonl`` in large bites: the numbers of its step events as columns, the other events as they are.

`trainer.run_directory.events` reads the same file one event after the other, for few; this is for millions.
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
"""Bytes read at a time; small enough that other threads are not kept waiting for the interpreter."""

_LONGEST: Final = 1 << 24
"""Bytes of a line; what is longer is no event of ours and is passed over."""

_HEAD: Final = 256
"""Bytes at the beginning by which a file is recognised; the first event's time is among them."""


@dataclass(frozen=True)
class Batch:
    """Events that follow each other.

    Attributes:
        lines: what is known of them at once.
        rows_to_come: about how many events the file holds from this batch on.
    """

    lines: Lines
    rows_to_come: int


@dataclass(frozen=True)
class Rest:
    """(columns, steps), the numbers by `LATER` of the step events of a batch; rests come in the order of batches."""

    rows: Floats


@dataclass(frozen=True)
class _Stretch:
    """Lines of the file of which there is a rest to hand out: ``rows``, or what is to be read there."""

    offset: int
    length: int
    events: int
    others: list[int]
    rows: Floats | None


class EventFile:
    """Reads what was written since the last time. It holds neither the file nor a lock.

    Args:
        folder: run directory; it need not be there yet, and may vanish.

    Attributes:
        complete: whether nothing was left unread, half a line aside.
        restarts: how often the file turned out to be cut, or another; what was read before then no longer holds.
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
        """Batches of whole lines, then what was left out of them, until the monotonic clock shows ``until``.

        There is at least one of either if there is anything.
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
            self.complete = True  # not there yet, or no longer

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
        """The next whole lines, if there are any."""
        start, size = self._offset, _BITE
        while True:
            data, read = bites.lines(start, size)
            if data or size >= _LONGEST:
                break
            if read < size:
                return None
            size *= 2
        self._offset += len(data) or read  # the rest of a line that is too long will not read as one
        lines = parse(data)
        events = lines.rows.shape[1]
        others = [place for place, _ in lines.others]
        self._stretches.append(_Stretch(start, len(data), events, others, lines.later))
        return Batch(lines, events * (bites.file_size - start) // max(len(data), 1))

    def _next_rest(self, bites: _Bites) -> Rest | None:
        """What was left out of the oldest batch of which something was."""
        if not self._stretches:
            return None
        stretch = self._stretches[0]
        rows = stretch.rows
        if rows is None:
            data, _ = bites.lines(stretch.offset, stretch.length)
            rows = parse_later(data, stretch.events, stretch.others)
        self._stretches.popleft()  # last: reading may fail
        return Rest(rows)


class _Bites:
    """Reads parts of a file into the same memory again and again; new memory for each would take longer than that."""

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self._memory = bytearray(_BITE)

    @property
    def file_size(self) -> int:
        """Bytes of the file now."""
        return os.fstat(self._file.fileno()).st_size

    def lines(self, offset: int, size: int) -> tuple[memoryview, int]:
        """The whole lines of a part, until the next part is read, and how many bytes there were."""
        if size > len(self._memory):
            self._memory = bytearray(size)
        view = memoryview(self._memory)
        self._file.seek(offset)
        read = self._file.readinto(view[:size]) or 0
        return view[: self._memory.rfind(b"\n", 0, read) + 1], read
