"""Parses many lines of ``events.jsonl`` into columns of numbers, in two passes: `FIRST`, then `LATER`."""

from __future__ import annotations

import gc
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import Annotated, Any, Final

import msgspec
import numpy as np

from gptdesk.bounded_read import LARGEST_WHOLE, ContentError, number, parse_json
from gptdesk.metrics import METRICS, contained, metric_of, value_keys
from gptdesk.training.history.series import Floats
from trainer.run_directory.fields import EVENT_FIELDS, checked
from trainer.run_directory.layout import FORMAT

FIRST: Final = ("t", "step", "tokens", *(key for each in METRICS if each.read_first for key in each.keys))
"""Values that the first pass reads: those of the default charts and of alerts."""

LATER: Final = tuple(name for name in value_keys() if name not in FIRST)
"""Values that the second pass reads."""

assert not any(each.read_first and each.container for each in METRICS), "the first pass reads no nested objects"
_CONTAINED: Final = contained()
_FLAT: Final = tuple(name for name in LATER if not metric_of(name).container)

_LOT: Final = 512
"""Events converted to columns at a time; more would not fit the processor's first-level cache."""

_Number = float | None
_MISSING: Final = float("nan")


class _Event(msgspec.Struct, gc=False):
    """What the first pass reads besides numbers; a line of a newer format is refused."""

    v: Annotated[int, msgspec.Meta(le=FORMAT)] = FORMAT
    ev: str = ""


def _numbers(name: str, names: Iterable[str], base: type[msgspec.Struct] = msgspec.Struct) -> Any:
    """A struct with a number for each of ``names``, NaN where it is missing."""
    return msgspec.defstruct(name, [(each, _Number, _MISSING) for each in names], bases=(base,), gc=False)


_First: Final = _numbers("_First", FIRST, _Event)
"""What the first pass decodes."""

_CONTAINERS: Final = {name: _numbers(f"_{name}", keys) for name, keys in _CONTAINED.items()}
"""A struct for each object that a step event holds."""

_Later: Final = _numbers(
    "_Later",
    _FLAT,
    msgspec.defstruct(
        "_Containers",
        [(name, kind, msgspec.field(default_factory=kind)) for name, kind in _CONTAINERS.items()],
        gc=False,
    ),
)
"""What the second pass decodes of the same lines."""


class _Version(msgspec.Struct):
    v: int = FORMAT


_STEP: Final = FIRST.index("step")
_FIRST: Final[msgspec.json.Decoder[_Event]] = msgspec.json.Decoder(_First)
_LATER: Final[msgspec.json.Decoder[msgspec.Struct]] = msgspec.json.Decoder(_Later)
_VERSIONS: Final = msgspec.json.Decoder(_Version)
_UNREADABLE: Final = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


@dataclass(frozen=True)
class Lines:
    """Result of the first pass over consecutive lines.

    Attributes:
        rows: (columns, n), the `FIRST` values of every event; NaN where missing or not finite.
        others: indices of the events that are not steps, with their contents; None for lines that hold no event.
        newest: the line of the last step event; empty when there is none.
        newer: whether lines of a newer format were skipped.
        later: (columns, steps), the `LATER` values of the step events; None where the second pass is to read them.
    """

    rows: Floats
    others: list[tuple[int, dict[str, Any] | None]]
    newest: bytes
    newer: bool = False
    later: Floats | None = None


def parse(data: memoryview) -> Lines:
    """First pass over whole lines. ``data`` need not stay valid afterwards."""
    lines = _split(data)
    try:
        rows = _FIRST.decode_lines(data)
        if len(rows) != len(lines):  # empty lines, or two events in one
            raise msgspec.DecodeError
    except _UNREADABLE:
        return _parse_each(lines)
    return _sort(rows, lines)


def parse_later(data: memoryview, count: int, others: list[int]) -> Floats:
    """Second pass: the `LATER` values of step events, (columns, steps).

    Args:
        data: the lines of the first pass.
        count: number of events that the first pass found.
        others: indices of the events that are not steps.
    """
    try:
        rows = _LATER.decode_lines(data)
        if len(rows) != count:
            raise msgspec.DecodeError
    except _UNREADABLE:
        rows = [_later(line) for line in _split(data)]
        if len(rows) != count:  # overwritten meanwhile; EventFile notices and starts again
            rows = [_Later()] * count
    return np.delete(_later_columns(rows), others, axis=1)


def load_event(line: bytes) -> dict[str, Any] | None:
    """The fields of an event that have the right type; None when the line holds no event."""
    try:
        event = parse_json(line)
    except ContentError:
        return None
    return checked(event, EVENT_FIELDS)[0] if isinstance(event, dict) else None


def _split(data: memoryview) -> list[bytes]:
    return BytesIO(data).readlines()  # much faster than bytes.split


def _sort(rows: list[_Event], lines: list[bytes]) -> Lines:
    columns, apart = _first_columns(rows)
    step = columns[_STEP]
    apart |= {*np.flatnonzero(~((step >= 0) & (step <= LARGEST_WHOLE))).tolist()}
    others = [
        (place, load_event(lines[place]) if rows[place].ev not in ("", "step") else None) for place in sorted(apart)
    ]
    last = next((place for place in reversed(range(len(rows))) if place not in apart), None)
    return Lines(columns, others, b"" if last is None else lines[last])


def _parse_each(data: list[bytes]) -> Lines:
    """Both passes line by line, where some lines are broken, newer or of other types."""
    rows, lines, newer = [], [], False
    for line in filter(bytes.strip, data):
        row: _Event | None
        try:
            row = _FIRST.decode(line)
        except _UNREADABLE:
            if _is_newer(line):
                newer = True
                continue
            row = _unusual(line)
        if row is not None:
            rows.append(row)
            lines.append(line)
    found = _sort(rows, lines)
    later = _later_columns([_later(line) for line in lines])
    later = np.delete(later, [place for place, _ in found.others], axis=1)
    return Lines(found.rows, found.others, found.newest, newer, later)


def _is_newer(line: bytes) -> bool:
    try:
        return _VERSIONS.decode(line).v > FORMAT
    except _UNREADABLE:
        return False


def _unusual(line: bytes) -> _Event | None:
    """First pass of an event with values of other types; None when it is no event."""
    event = load_event(line)
    if event is None or not isinstance(event.get("ev"), str):
        return None
    numbers = {name: number(event.get(name), _MISSING) for name in FIRST}
    row: _Event = _First(ev=event["ev"], **numbers)
    return row


def _later(line: bytes) -> msgspec.Struct:
    """Second pass of one line; all NaN when nothing can be read."""
    try:
        row: msgspec.Struct = _LATER.decode(line)
    except _UNREADABLE:
        row = _unusual_later(load_event(line) or {})
    return row


def _unusual_later(event: dict[str, Any]) -> Any:
    """Second pass of an event with values of other types."""
    values: dict[str, Any] = {name: number(event.get(name), _MISSING) for name in _FLAT}
    for name, kind in _CONTAINERS.items():
        held = event.get(name)
        held = held if isinstance(held, dict) else {}
        values[name] = kind(**{key: number(held.get(key), _MISSING) for key in _CONTAINED[name]})
    return _Later(**values)


def _first_columns(rows: list[_Event]) -> tuple[Floats, set[int]]:
    """The `FIRST` values of events, (columns, n), and the indices of those that are not steps."""
    columns: Floats = np.empty((len(FIRST), len(rows)))
    others: set[int] = set()
    with _collector_paused():
        for lot, entries in _lots(rows):
            for place, name in enumerate(FIRST):
                columns[place, lot] = _floats(entries[name])
            kinds = entries["ev"]
            if kinds.count("step") < len(kinds):
                others.update(place for place, kind in enumerate(kinds, lot.start) if kind != "step")
    return columns, others


def _later_columns(rows: list[msgspec.Struct]) -> Floats:
    """The `LATER` values of events, (columns, n)."""
    columns: Floats = np.empty((len(LATER), len(rows)))
    with _collector_paused():
        for lot, entries in _lots(rows):
            for name, keys in _CONTAINED.items():
                parts = zip(*map(msgspec.structs.astuple, entries[name]), strict=True)
                entries.update(zip(keys, parts, strict=True))
            for place, name in enumerate(LATER):
                columns[place, lot] = _floats(entries[name])
    return columns


def _lots(rows: Sequence[msgspec.Struct]) -> Iterator[tuple[slice, dict[str, tuple[Any, ...]]]]:
    """Fields of rows by name, `_LOT` rows at a time."""
    for first in range(0, len(rows), _LOT):
        lot = slice(first, first + _LOT)
        entries = zip(*map(msgspec.structs.astuple, rows[lot]), strict=True)
        yield lot, dict(zip(rows[0].__struct_fields__, entries, strict=True))


def _floats(column: tuple[_Number, ...]) -> Floats:
    """A column with null as NaN. Without null, struct packing is by far the fastest conversion."""
    try:
        return np.frombuffer(_packing(len(column)).pack(*column))
    except struct.error:
        return np.array(column, np.float64)


@cache
def _packing(count: int) -> struct.Struct:
    return struct.Struct(f"{count}d")


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Pauses the garbage collector: it would spend half of the time on thousands of short-lived tuples."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
