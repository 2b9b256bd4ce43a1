"""Many lines of ``events.jsonl`` as columns of numbers: in a first round what a page begins with, then the rest."""

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
"""What is read of each logged step at once: what the charts begin with, and what alerts are raised by."""

LATER: Final = tuple(name for name in value_keys() if name not in FIRST)
"""What is read of it when there is nothing left of the former."""

assert not any(each.read_first and each.container for each in METRICS), "the first round reads no objects"
_CONTAINED: Final = contained()
_FLAT: Final = tuple(name for name in LATER if not metric_of(name).container)

_LOT: Final = 512
"""Events whose numbers are put in columns at a time; those of many more would leave the processor's nearest cache."""

_Number = float | None
_MISSING: Final = float("nan")


class _Event(msgspec.Struct, gc=False):
    """What is looked at in the first round beside the numbers; a line of a newer format is refused."""

    v: Annotated[int, msgspec.Meta(le=FORMAT)] = FORMAT
    ev: str = ""


def _numbers(name: str, names: Iterable[str], base: type[msgspec.Struct] = msgspec.Struct) -> Any:
    """A struct with a number for each of ``names``, NaN where it is missing."""
    return msgspec.defstruct(name, [(each, _Number, _MISSING) for each in names], bases=(base,), gc=False)


_First: Final = _numbers("_First", FIRST, _Event)
"""What is looked at in the first round."""

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
"""What is looked at in the second round, of the same lines."""


class _Version(msgspec.Struct):
    v: int = FORMAT


_STEP: Final = FIRST.index("step")
_FIRST: Final[msgspec.json.Decoder[_Event]] = msgspec.json.Decoder(_First)
_LATER: Final[msgspec.json.Decoder[msgspec.Struct]] = msgspec.json.Decoder(_Later)
_VERSIONS: Final = msgspec.json.Decoder(_Version)
_UNREADABLE: Final = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


@dataclass(frozen=True)
class Lines:
    """What the first round finds in lines that follow each other.

    Attributes:
        rows: (columns, n), the numbers of every event by `FIRST`; NaN where something is missing or not finite.
        others: the places of those that are no step events, and what they hold; None for what is no event at all.
        newest: the line of the last step event; empty when there is none.
        newer: whether lines of a newer format were passed over.
        later: (columns, steps), the numbers of the step events by `LATER`; None where a second round shall find them.
    """

    rows: Floats
    others: list[tuple[int, dict[str, Any] | None]]
    newest: bytes
    newer: bool = False
    later: Floats | None = None


def parse(data: memoryview) -> Lines:
    """The first round, over whole lines; they need not stay there afterwards."""
    lines = _split(data)
    try:
        rows = _FIRST.decode_lines(data)
        if len(rows) != len(lines):  # empty lines, or two events in one
            raise msgspec.DecodeError
    except _UNREADABLE:
        return _parse_each(lines)
    return _sort(rows, lines)


def parse_later(data: memoryview, count: int, others: list[int]) -> Floats:
    """The second round: the numbers of step events by `LATER`.

    Args:
        data: lines of which the first round left the rest to this one.
        count: events that it found.
        others: the places of those that are no step events.
    """
    try:
        rows = _LATER.decode_lines(data)
        if len(rows) != count:
            raise msgspec.DecodeError
    except _UNREADABLE:
        rows = [_later(line) for line in _split(data)]
        if len(rows) != count:  # written over in the meantime; that is seen to elsewhere
            rows = [_Later()] * count
    return np.delete(_later_columns(rows), others, axis=1)


def load_event(line: bytes) -> dict[str, Any] | None:
    """All of an event that is of the right type; None when the line holds none."""
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
    """Both rounds, one line after the other, where some are broken, newer or unusual."""
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
    """What can be used of an event with values of other types; None when it is no event."""
    event = load_event(line)
    if event is None or not isinstance(event.get("ev"), str):
        return None
    numbers = {name: number(event.get(name), _MISSING) for name in FIRST}
    row: _Event = _First(ev=event["ev"], **numbers)
    return row


def _later(line: bytes) -> msgspec.Struct:
    """The same of the second round; nothing when there is nothing."""
    try:
        row: msgspec.Struct = _LATER.decode(line)
    except _UNREADABLE:
        row = _unusual_later(load_event(line) or {})
    return row


def _unusual_later(event: dict[str, Any]) -> Any:
    """What the second round can use of an event with values of other types."""
    values: dict[str, Any] = {name: number(event.get(name), _MISSING) for name in _FLAT}
    for name, kind in _CONTAINERS.items():
        held = event.get(name)
        held = held if isinstance(held, dict) else {}
        values[name] = kind(**{key: number(held.get(key), _MISSING) for key in _CONTAINED[name]})
    return _Later(**values)


def _first_columns(rows: list[_Event]) -> tuple[Floats, set[int]]:
    """The numbers of events by `FIRST`, and the places of those that are no step events."""
    columns: Floats = np.empty((len(FIRST), len(rows)))
    others: set[int] = set()
    with _garbage_left_alone():
        for lot, entries in _lots(rows):
            for place, name in enumerate(FIRST):
                columns[place, lot] = _floats(entries[name])
            kinds = entries["ev"]
            if kinds.count("step") < len(kinds):
                others.update(place for place, kind in enumerate(kinds, lot.start) if kind != "step")
    return columns, others


def _later_columns(rows: list[msgspec.Struct]) -> Floats:
    """The numbers of events by `LATER`."""
    columns: Floats = np.empty((len(LATER), len(rows)))
    with _garbage_left_alone():
        for lot, entries in _lots(rows):
            for name, keys in _CONTAINED.items():
                parts = zip(*map(msgspec.structs.astuple, entries[name]), strict=True)
                entries.update(zip(keys, parts, strict=True))
            for place, name in enumerate(LATER):
                columns[place, lot] = _floats(entries[name])
    return columns


def _lots(rows: Sequence[msgspec.Struct]) -> Iterator[tuple[slice, dict[str, tuple[Any, ...]]]]:
    """The entries of rows by name, lot by lot."""
    for first in range(0, len(rows), _LOT):
        lot = slice(first, first + _LOT)
        entries = zip(*map(msgspec.structs.astuple, rows[lot]), strict=True)
        yield lot, dict(zip(rows[0].__struct_fields__, entries, strict=True))


def _floats(column: tuple[_Number, ...]) -> Floats:
    """null becomes NaN; where there is none, packing is the fastest way by far."""
    try:
        return np.frombuffer(_packing(len(column)).pack(*column))
    except struct.error:
        return np.array(column, np.float64)


@cache
def _packing(count: int) -> struct.Struct:
    return struct.Struct(f"{count}d")


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
