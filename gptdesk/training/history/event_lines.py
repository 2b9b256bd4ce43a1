"""Decodes many lines of ``events.jsonl`` at once into columns of numbers.

`trainer.run_directory.events` decodes one event at a time, with all of its fields, for a few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import chain
from operator import attrgetter
from typing import Annotated, Any, Final

import msgspec
import numpy as np

from gptdesk.bounded_read import LARGEST_WHOLE, ContentError, number, parse_json
from gptdesk.metrics import STEP, contained, metric_of, value_keys
from gptdesk.training.history.series import Floats
from trainer.run_directory.fields import EVENT_FIELDS, checked
from trainer.run_directory.layout import FORMAT

VALUES: Final = ("t", *STEP, *value_keys())
"""Columns of `Lines.rows`."""

_CONTAINED: Final = contained()
_FLAT: Final = tuple(name for name in VALUES if not any(name in keys for keys in _CONTAINED.values()))
_MISSING: Final = float("nan")
_UNREADABLE: Final = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


def _struct(name: str, keys: Sequence[str]) -> type[msgspec.Struct]:
    """A struct with a number for each key, NaN where it is missing."""
    return msgspec.defstruct(name, [(key, float | None, _MISSING) for key in keys], gc=False)


_CONTAINERS: Final = {name: _struct(f"_{name}", keys) for name, keys in _CONTAINED.items()}
_Event: Final[Any] = msgspec.defstruct(
    "_Event",
    [
        ("v", Annotated[int, msgspec.Meta(le=FORMAT)], FORMAT),  # a line of a newer format is refused
        ("ev", str, ""),
        *((name, kind, msgspec.field(default_factory=kind)) for name, kind in _CONTAINERS.items()),
        *((name, float | None, _MISSING) for name in _FLAT),
    ],
    gc=False,
)
_EVENTS: Final = msgspec.json.Decoder(_Event)
_VERSIONS: Final = msgspec.json.Decoder(msgspec.defstruct("_Version", [("v", int, FORMAT)]))
_STEP: Final = VALUES.index("step")
_values_of: Final = attrgetter(
    *(name if name in _FLAT else f"{metric_of(name).container}.{name}" for name in VALUES),
)


@dataclass(frozen=True)
class Lines:
    """Consecutive events.

    Attributes:
        rows: (columns, n), the `VALUES` of every event; NaN where missing or not finite.
        others: indices of the events that are not steps, with their contents; ``None`` for lines without an event.
        newest: the line of the last step event; empty when there is none.
        newer: whether lines of a newer format were skipped.
    """

    rows: Floats
    others: list[tuple[int, dict[str, Any] | None]]
    newest: bytes
    newer: bool = False


def parse(data: bytes) -> Lines:
    """Decodes whole lines; those that hold no event, or one of a newer format, are skipped."""
    lines = BytesIO(data).readlines()  # much faster than bytes.split
    try:
        events = _EVENTS.decode_lines(data)
        if len(events) != len(lines):  # empty lines, or two events in one
            raise msgspec.DecodeError
    except _UNREADABLE:
        return _parse_each(lines)
    return _sort(events, lines)


def load_event(line: bytes) -> dict[str, Any] | None:
    """The fields of an event that have the right type; ``None`` when the line holds no event."""
    try:
        event = parse_json(line)
    except ContentError:
        return None
    return checked(event, EVENT_FIELDS)[0] if isinstance(event, dict) else None


def _sort(events: list[Any], lines: list[bytes], newer: bool = False) -> Lines:
    rows = _columns(events)
    is_step = np.array([event.ev == "step" for event in events], bool)
    is_step &= (rows[_STEP] >= 0) & (rows[_STEP] <= LARGEST_WHOLE)
    others = [
        (place, load_event(lines[place]) if events[place].ev not in ("", "step") else None)
        for place in np.flatnonzero(~is_step).tolist()
    ]
    steps = np.flatnonzero(is_step)
    return Lines(rows, others, lines[steps[-1]] if len(steps) else b"", newer)


def _columns(events: list[Any]) -> Floats:
    """The `VALUES` of events, (columns, n)."""
    rows = [_values_of(event) for event in events]
    shape = len(rows), len(VALUES)
    try:
        return np.fromiter(chain.from_iterable(rows), np.float64, shape[0] * shape[1]).reshape(shape).T
    except TypeError:  # a number that is null
        return np.array(rows, np.float64).reshape(shape).T


def _parse_each(data: list[bytes]) -> Lines:
    """Decodes line by line, where some lines are broken, newer, or have values of other types."""
    events, lines, newer = [], [], False
    for line in filter(bytes.strip, data):
        try:
            event = _EVENTS.decode(line)
        except _UNREADABLE:
            if _is_newer(line):
                newer = True
                continue
            event = _unusual(line)
        if event is not None:
            events.append(event)
            lines.append(line)
    return _sort(events, lines, newer)


def _is_newer(line: bytes) -> bool:
    try:
        version: int = _VERSIONS.decode(line).v  # type: ignore[attr-defined]
    except _UNREADABLE:
        return False
    return version > FORMAT


def _unusual(line: bytes) -> Any:
    """An event with values of other types, which count as missing; ``None`` when the line holds no event."""
    event = load_event(line)
    if event is None or not isinstance(event.get("ev"), str):
        return None
    values: dict[str, Any] = {name: number(event.get(name), _MISSING) for name in _FLAT}
    for name, kind in _CONTAINERS.items():
        held = event.get(name)
        held = held if isinstance(held, dict) else {}
        values[name] = kind(**{key: number(held.get(key), _MISSING) for key in _CONTAINED[name]})
    return _Event(ev=event["ev"], **values)
