"""Nested values of a configuration before they are validated: presets, TOML files, flags, and one over the other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from gptdesk.bounded_read import LARGEST_TOML, ContentError, parse_toml, read_bytes
from gptdesk.errors import UserError, brief
from trainer.config.former_names import with_present_names

PRESETS_FOLDER: Final = Path(__file__).parents[1] / "presets"


def read_toml(path: Path) -> dict[str, Any]:
    """The nested values of a configuration file.

    Raises:
        UserError: when the file cannot be read, is not TOML, or gives a setting under two names.
    """
    try:
        return with_present_names(parse_toml(read_bytes(path, largest=LARGEST_TOML).decode("utf-8")))
    except OSError as error:
        raise UserError(f"The configuration {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UserError(f"The configuration {path} is not UTF-8 text; save it as that.") from None
    except ContentError as error:
        raise UserError(f"The configuration {path} cannot be used: {error}.") from None


def preset_names() -> list[str]:
    """The presets that ship with the trainer, from the smallest model to the largest; last those for existing ones."""
    return sorted((path.stem for path in PRESETS_FOLDER.glob("*.toml")), key=_preset_size)


@cache
def _preset_size(name: str) -> tuple[float, str]:
    """About the size of the model that a preset makes; without an end where it takes one that exists."""
    model = read_toml(PRESETS_FOLDER / f"{name}.toml").get("model", {})
    return (model["n_layer"] * model["n_embd"] ** 2 if "n_layer" in model else math.inf), name


def read_preset(name: str) -> dict[str, Any]:
    """The nested values of a preset that ships with the trainer.

    Raises:
        UserError: when there is none of that name.
    """
    if name not in preset_names():
        raise UserError(f"There is no preset {brief(name)}; there are {', '.join(preset_names())}.")
    return read_toml(PRESETS_FOLDER / f"{name}.toml")


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Nested values with those of ``over`` in place of those of ``base``."""
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        merged[key] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def parse_flags(flags: Sequence[str]) -> dict[str, Any]:
    """Nested values from ``--section.key value`` or ``--section.key=value``; values are read as TOML, else as text.

    Raises:
        UserError: for a flag of another form or without a value, or a setting under two names.
    """
    values: dict[str, Any] = {}
    rest = list(flags)
    while rest:
        flag = rest.pop(0)
        name, equals, text = flag.partition("=")
        section, dot, key = name.removeprefix("--").partition(".")
        if not name.startswith("--") or not (section and dot and key):
            raise UserError(f"{brief(flag)} is no setting; settings are given as --section.key value.")
        if not equals:
            if not rest:
                raise UserError(f"{flag} needs a value.")
            text = rest.pop(0)
        try:
            value = parse_toml(f"value = {text}")["value"]
        except ContentError:
            value = text
        values.setdefault(section, {})[key] = value
    try:
        return with_present_names(values)
    except ContentError as error:
        raise UserError(f"The settings cannot be used: {error}.") from None
