"""``events.jsonl`` in large bites: the numbers of its step events as columns, the other events as they are.

`trainer.events` reads the same file one event after the other, for few; this is for millions.
"""

from __future__ import annotations

import gc
import json
import os
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import FileIO
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import numpy as np

from gptdesk.training.jsonvalues import LARGEST_WHOLE, number
from gptdesk.training.series import METRICS, Floats
from trainer.rundir import EVENTS, FORMAT

COLUMNS: Final = ("t", "step", "tokens", *METRICS)
"""What is known of each logged step; the parts of its time come last."""

_BITE: Final = 1 << 18
"""Bytes read at a time; small enough that other threads are not kept waiting for the interpreter."""

_LOT: Final = 512
"""Events whose numbers are put in columns at a time; those of many more would leave the processor's nearest cache."""

_LONGEST: Final = 1 << 24
"""Bytes of a line; what is longer is no event of ours and is passed over."""

_HEAD: Final = 256
"""Bytes at the beginning by which a file is recognised; the first event's time is among them."""

_Number = float | None
_MISSING: Final = float("nan")


class _Parts(msgspec.Struct, gc=False):
    """Milliseconds of a step."""

    data: _Number = _MISSING
    forward: _Number = _MISSING
    backward: _Number = _MISSING
    optimizer: _Number = _MISSING


class _Row(msgspec.Struct, gc=False):
    """What columns are made of. Other entries of a line are not looked at, and a line of a newer format is refused."""

    ev: str = ""
    v: Annotated[int, msgspec.Meta(le=FORMAT)] = FORMAT
    t: _Number = _MISSING
    step: _Number = _MISSING
    tokens: _Number = _MISSING
    loss: _Number = _MISSING
    grad_norm: _Number = _MISSING
    lr: _Number = _MISSING
    tokens_per_s: _Number = _MISSING
    memory: _Number = _MISSING
    mfu: _Number = _MISSING
    cpu: _Number = _MISSING
    gpu: _Number = _MISSING
    ram: _Number = _MISSING
    ms: _Parts = msgspec.field(default_factory=_Parts)


class _Version(msgspec.Struct):
    v: int = FORMAT


_STEP: Final = COLUMNS.index("step")
_PARTS: Final = _Parts.__struct_fields__
_ROWS: Final = msgspec.json.Decoder(_Row)
_VERSIONS: Final = msgspec.json.Decoder(_Version)
_PLACE: Final = {name: place for place, name in enumerate(_Row.__struct_fields__)}


@dataclass(frozen=True)
class Batch:
    """Events that follow each other.

    Attributes:
        rows: (columns, n), the numbers of every event by `COLUMNS`; NaN where something is missing or not finite.
        others: the places of those that are no step events, and what they hold; None for what is no event at all.
        newest: the line of the last step event; empty when there is none.
        newer: whether lines of a newer format were passed over.
        rows_to_come: about how many events the file holds from this batch on.
    """

    rows: Floats
    others: list[tuple[int, dict[str, Any] | None]]
    newest: bytes
    newer: bool
    rows_to_come: int = 0


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
        self.complete = False
        self.restarts = 0

    def read(self, until: float) -> Iterator[Batch]:
        """Batches of whole lines, at least one if there is any, until the monotonic clock shows ``until``."""
        try:
            with self._path.open("rb", buffering=0) as file:
                yield from self._read(file, until)
        except OSError:
            self.complete = True  # not there yet, or no longer

    def _read(self, file: FileIO, until: float) -> Iterator[Batch]:
        self._find_place(file)
        size = _BITE
        while True:
            file.seek(self._offset)
            data = file.read(size)
            end = data.rfind(b"\n") + 1
            if end:
                waiting = os.fstat(file.fileno()).st_size - self._offset
                self._offset += end
                self.complete = False
                size = _BITE
                batch = _parse(data, end)
                yield replace(batch, rows_to_come=batch.rows.shape[1] * waiting // end)
            elif len(data) < size:
                self.complete = True
                return
            elif size < _LONGEST:
                size *= 2
            else:
                self._offset += len(data)  # the rest of that line will not read as one
            if time.monotonic() >= until:
                self.complete = self._offset >= os.fstat(file.fileno()).st_size
                return

    def _find_place(self, file: FileIO) -> None:
        status = os.fstat(file.fileno())
        identity = status.st_dev, status.st_ino
        head = file.read(_HEAD)
        known = self._identity in (None, identity) and head.startswith(self._head) and status.st_size >= self._offset
        if not known:
            self._offset = 0
            self.restarts += 1
        self._identity, self._head = identity, head


def _parse(data: bytes, end: int) -> Batch:
    """What stands in the whole lines that ``data`` begins with."""
    lines: Sequence[bytes]
    newer = False
    try:
        rows: list[_Row] = _ROWS.decode_lines(memoryview(data)[:end])
        lines = _Lines(data, end)
        if len(rows) != len(lines):  # empty lines, or two events in one
            raise msgspec.DecodeError
    except (msgspec.DecodeError, RecursionError):
        rows, lines, newer = _parse_each(data[:end])
    columns, found = _columns(rows)
    step = columns[_STEP]
    apart = {*found, *np.flatnonzero(~((step >= 0) & (step <= LARGEST_WHOLE))).tolist()}
    others = [
        (place, load_event(lines[place]) if rows[place].ev not in ("", "step") else None) for place in sorted(apart)
    ]
    last = next((place for place in reversed(range(len(rows))) if place not in apart), None)
    return Batch(columns, others, b"" if last is None else lines[last], newer)


class _Lines(Sequence[bytes]):
    """The lines of ``data`` up to ``end``; only those that are asked for are copied."""

    def __init__(self, data: bytes, end: int) -> None:
        self._data = data
        self._ends = np.flatnonzero(np.frombuffer(data, np.uint8, end) == ord("\n"))

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, place: Any) -> Any:
        start = self._ends[place - 1] + 1 if place else 0
        return self._data[start : self._ends[place]]


def _parse_each(data: bytes) -> tuple[list[_Row], list[bytes], bool]:
    """One line after the other, for data of which some lines are broken, newer or unusual."""
    rows, lines, newer = [], [], False
    for line in filter(bytes.strip, data.split(b"\n")):
        row: _Row | None
        try:
            row = _ROWS.decode(line)
        except (msgspec.DecodeError, RecursionError):
            if _is_newer(line):
                newer = True
                continue
            row = _unusual_row(line)
        if row is not None:
            rows.append(row)
            lines.append(line)
    return rows, lines, newer


def _is_newer(line: bytes) -> bool:
    try:
        return _VERSIONS.decode(line).v > FORMAT
    except (msgspec.DecodeError, RecursionError):
        return False


def _unusual_row(line: bytes) -> _Row | None:
    """What can be used of an event with values of other types; None when it is no event."""
    event = load_event(line)
    if event is None or not isinstance(event.get("ev"), str):
        return None
    parts = event.get("ms")
    numbers = {name: number(event.get(name), _MISSING) for name in COLUMNS if name not in _PARTS}
    times = {name: number(parts.get(name), _MISSING) for name in _PARTS} if isinstance(parts, dict) else {}
    return msgspec.structs.replace(_Row(ev=event["ev"], ms=_Parts(**times)), **numbers)


def load_event(line: bytes) -> dict[str, Any] | None:
    """All of an event; None when the line holds none."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None


def _columns(rows: list[_Row]) -> tuple[Floats, list[int]]:
    """The numbers of events by `COLUMNS`, and the places of those that are no step events."""
    columns: Floats = np.empty((len(COLUMNS), len(rows)))
    others: list[int] = []
    with _garbage_left_alone():
        for first in range(0, len(rows), _LOT):
            lot = slice(first, first + _LOT)
            of_rows = list(zip(*map(msgspec.structs.astuple, rows[lot]), strict=True))
            of_parts = zip(*map(msgspec.structs.astuple, of_rows[_PLACE["ms"]]), strict=True)
            values = [of_rows[_PLACE[name]] for name in COLUMNS if name in _PLACE] + list(of_parts)
            for place, column in enumerate(values):
                columns[place, lot] = _floats(column)
            kinds = of_rows[_PLACE["ev"]]
            if kinds.count("step") < len(kinds):
                others += [place for place, kind in enumerate(kinds, first) if kind != "step"]
    return columns, others


def _floats(column: tuple[_Number, ...]) -> Floats:
    """null becomes NaN; where there is none, packing is the fastest way by far."""
    try:
        return np.frombuffer(struct.pack(f"{len(column)}d", *column))
    except struct.error:
        return np.array(column, np.float64)


@contextmanager
def _garbage_left_alone() -> Iterator[None]:
    """Thousands of tuples that live for a millisecond are none; looking through them would take half of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
