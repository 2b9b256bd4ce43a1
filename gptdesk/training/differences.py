"""Lists the settings in which runs differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

NOTHING: Final = "–"
"""Stands for a value that a run does not have, such as a setting of another version."""


@dataclass(frozen=True)
class SettingDifference:
    """A setting that differs between runs.

    Attributes:
        name: section and setting, as in "optim.learning_rate".
        values: as text, in the order of the runs.
    """

    name: str
    values: tuple[str, ...]


def settings_diff(configs: Sequence[Mapping[str, Any]]) -> list[SettingDifference]:
    """The settings that are not the same in all runs, in the order in which they stand; the run folder is none."""
    flat = [dict(_flatten(config)) for config in configs]
    names = dict.fromkeys(name for values in flat for name in values)  # a set that keeps its order
    rows = [SettingDifference(name, tuple(_text(values.get(name, NOTHING)) for values in flat)) for name in names]
    return [row for row in rows if row.name != "run.folder" and len(set(row.values)) > 1]


def _flatten(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    if isinstance(value, list | tuple):
        return ", ".join(_text(item) for item in value)
    return str(value)
