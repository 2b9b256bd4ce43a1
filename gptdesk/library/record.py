"""``model.json``: where a model in the models folder comes from, and the person's defaults for it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from gptdesk.devices import PRECISIONS
from gptdesk.errors import UserError
from gptdesk.files import write_json
from gptdesk.inference.sampling.settings import DecodingSettings

RECORD_FILE: Final = "model.json"
FORMAT: Final = 1
_LARGEST: Final = 2**20

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Defaults:
    """How a person wants a model used.

    Attributes:
        precision: one of `PRECISIONS`.
        decoding: settings that differ from the program's, by the names of `DecodingSettings`.
    """

    precision: str = "auto"
    decoding: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise UserError(f"There is no precision called {self.precision!r}; use one of {', '.join(PRECISIONS)}.")
        DecodingSettings.from_json(self.decoding)  # raises its own sentences


@dataclass(frozen=True, kw_only=True)
class Record:
    """What is known about where a model came from.

    Attributes:
        source: ``owner/name`` on the hub, or the path that it was imported from; empty when unknown.
        revision: commit on the hub; empty for others.
        sha256: of its files, by name.
        added: day and time (ISO 8601, UTC) when it came.
        link: where the model really lies, when it was linked and not copied; empty otherwise.
        licence: as its card says, such as "mit"; empty when unknown.
        defaults: how it is to be used.
    """

    source: str = ""
    revision: str = ""
    sha256: Mapping[str, str] = field(default_factory=dict)
    added: str = ""
    link: str = ""
    licence: str = ""
    defaults: Defaults = field(default_factory=Defaults)


def read_record(folder: Path) -> Record:
    """The record of a model; an empty one when there is none, and without the parts that are no part of one."""
    path = folder / RECORD_FILE
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST:
            return Record()
        values = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return Record()
    if not isinstance(values, dict):
        return Record()
    texts = {name: _text(values.get(name)) for name in ("source", "revision", "added", "licence")}
    hashes = values.get("sha256")
    return Record(
        **texts,
        link=_path(values.get("link")),
        sha256={
            name: value
            for name, value in (hashes.items() if isinstance(hashes, dict) else ())
            if isinstance(value, str) and _SHA256.fullmatch(value)
        },
        defaults=_defaults(values.get("defaults")),
    )


def write_record(folder: Path, record: Record) -> None:
    """Replaces a model's record as a whole.

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
    """The record with other defaults; what is ``None`` stays.

    Raises:
        UserError: for a precision or settings that there are not.
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
    """`write_json` with a sentence for the person.

    Raises:
        UserError: when it cannot be written.
    """
    try:
        write_json(path, values)
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror}).") from error


def _text(value: Any) -> str:
    return value if isinstance(value, str) and len(value) < 4096 and value.isprintable() else ""


def _path(value: Any) -> str:
    """A path, which may have any letters."""
    return value if isinstance(value, str) and len(value) < 4096 and "\0" not in value else ""


def _defaults(values: Any) -> Defaults:
    if not isinstance(values, dict):
        return Defaults()
    precision, decoding = values.get("precision"), values.get("decoding")
    try:
        return Defaults(
            precision=precision if isinstance(precision, str) else "auto",
            decoding=decoding if isinstance(decoding, dict) else {},
        )
    except ValueError:  # UserError among them; a number of thousands of digits raises a plain one
        return Defaults()
