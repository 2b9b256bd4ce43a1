"""``model.json``: where a model in the models folder comes from, and the person's defaults for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec.structs import replace

from gptdesk.bounded_read import convert, read_bytes
from gptdesk.devices import PRECISIONS
from gptdesk.errors import UserError
from gptdesk.files import write_json
from gptdesk.inference.sampling.settings import DecodingSettings

RECORD_FILE: Final = "model.json"
FORMAT: Final = 1
_LARGEST: Final = 2**20
"""Bytes of a file of ours; a larger one is not read."""

_T = TypeVar("_T", bound=msgspec.Struct)
_Text = Annotated[str, msgspec.Meta(max_length=4095)]
_Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]


class _Defaults(msgspec.Struct):
    """`Defaults` as they are stored; each is checked by itself, so that an invalid one costs no other."""

    precision: Any = "auto"
    decoding: Any = {}


class Defaults(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of a person that apply whenever a model is loaded.

    Attributes:
        precision: one of `PRECISIONS`.
        decoding: settings that differ from the program's, by the names of `DecodingSettings`.

    Raises:
        UserError: for an unknown precision, or invalid settings.
    """

    precision: str = "auto"
    decoding: Mapping[str, Any] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise UserError(f"There is no precision called {self.precision!r}; use one of {', '.join(PRECISIONS)}.")
        DecodingSettings.from_json(self.decoding)  # raises its own sentences


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Origin, hashes and defaults of a model.

    Attributes:
        source: ``owner/name`` on the hub, or the path that it was imported from; empty when unknown.
        revision: commit on the hub; empty for other models.
        sha256: of its files, by name.
        added: day and time (ISO 8601, UTC) when it was installed.
        link: folder of the model, when it was linked and not copied; empty otherwise.
        licence: as the model card names it, such as "mit"; empty when unknown.
        defaults: apply whenever the model is loaded.
    """

    source: str = ""
    revision: str = ""
    sha256: Mapping[str, str] = msgspec.field(default_factory=dict)
    added: str = ""
    link: str = ""
    licence: str = ""
    defaults: Defaults = msgspec.field(default_factory=Defaults)


def read_record(folder: Path) -> Record:
    """The record of a model; fields that are missing or invalid have their defaults."""
    values = _read_values(folder / RECORD_FILE) or {}
    texts = {name: _valid(values.get(name), _Text, "") for name in ("source", "revision", "added", "licence")}
    hashes: dict[str, Any] = _valid(values.get("sha256"), dict[str, Any], {})
    link = _valid(values.get("link"), _Text, "")
    return Record(
        **{name: text if text.isprintable() else "" for name, text in texts.items()},
        link="" if "\0" in link else link,  # a path may hold any other character
        sha256={name: value for name, value in hashes.items() if _valid(value, _Sha256, "")},
        defaults=_defaults(_valid(values.get("defaults"), _Defaults, _Defaults())),
    )


def write_record(folder: Path, record: Record) -> None:
    """Replaces a model's record atomically.

    Raises:
        UserError: when it cannot be written.
    """
    defaults = {"precision": record.defaults.precision, "decoding": dict(record.defaults.decoding)}
    values = {
        "format": FORMAT,
        **{name: getattr(record, name) for name in ("source", "revision", "added", "link", "licence")},
        "sha256": dict(record.sha256),
        "defaults": defaults,
    }
    replace_json(folder / RECORD_FILE, values)


def with_defaults(record: Record, *, precision: str | None, decoding: Mapping[str, Any] | None) -> Record:
    """The record with other defaults; ``None`` keeps the present one.

    Raises:
        UserError: for an unknown precision, or invalid settings.
    """
    old = record.defaults
    return replace(
        record,
        defaults=Defaults(
            precision=old.precision if precision is None else precision,
            decoding=old.decoding if decoding is None else dict(decoding),
        ),
    )


def replace_json(path: Path, values: Mapping[str, Any]) -> None:
    """Replaces a JSON file atomically, as `write_json`.

    Raises:
        UserError: when it cannot be written.
    """
    try:
        write_json(path, values)
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror}).") from error


def read_struct(path: Path, kind: type[_T]) -> _T | None:
    """The contents of a JSON file of ours as a `msgspec.Struct`; ``None`` when there is no file, or they do not fit."""
    read: _T | None = _valid(_read_values(path), kind, None)
    return read


def _read_values(path: Path) -> dict[str, Any] | None:
    """The object in a JSON file. Names of files keep what is not UTF-8, which msgspec's own decoder refuses."""
    try:
        values = json.loads(read_bytes(path, largest=_LARGEST))
    except (OSError, ValueError, RecursionError):  # ContentError among them
        return None
    return values if isinstance(values, dict) else None


def _valid(value: Any, kind: Any, otherwise: Any) -> Any:
    """The value if it is of that type, as msgspec checks it."""
    try:
        return convert(value, kind)
    except (msgspec.ValidationError, RecursionError):
        return otherwise


def _defaults(read: _Defaults) -> Defaults:
    precision = _valid(read.precision, str, "auto")
    decoding = _valid(read.decoding, dict[str, Any], {})
    try:
        return Defaults(precision=precision, decoding=decoding)
    except ValueError:  # UserError among them; a number of thousands of digits raises a plain one
        return Defaults()
