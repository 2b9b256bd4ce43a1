"""Settings that had another name in earlier versions; files, flags and runs that use it are still read.

Imports no pydantic: the window reads the configurations of runs before it is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from gptdesk.bounded_read import ContentError

FORMER_NAMES: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "model": {"start": "init_from"},
        "data": {"sequences_per_step": "batch_size", "micro_batch": "micro_batch_size"},
        "schedule": {"final_share": "min_lr_ratio", "decay_share": "decay_ratio"},
    }
)
"""Present names by section and former name."""


def with_present_names(values: Mapping[str, Any]) -> dict[str, Any]:
    """Nested values with the present name in place of each former one.

    Raises:
        ContentError: when a setting is given under both names.
    """
    found = {}
    for section, part in values.items():
        try:
            found[section] = renamed(section, part) if isinstance(part, Mapping) else part
        except ContentError as error:
            raise ContentError(f"in {section}, {error}") from None
    return found


def renamed(section: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of one section, with present names.

    Raises:
        ContentError: when a setting is given under both names.
    """
    present = FORMER_NAMES.get(section, {})
    for former, name in present.items():
        if former in values and name in values:
            raise ContentError(f"{name} and {former} are one setting, and both are given; leave out {former}")
    return {present.get(name, name): value for name, value in values.items()}


def present_key(key: str) -> str:
    """``section.name`` with the present name."""
    section, _, name = key.partition(".")
    return f"{section}.{FORMER_NAMES.get(section, {}).get(name, name)}"


def former_keys() -> dict[str, str]:
    """Present ``section.name`` by the former one."""
    return {
        f"{section}.{former}": f"{section}.{name}"
        for section, names in FORMER_NAMES.items()
        for former, name in names.items()
    }
