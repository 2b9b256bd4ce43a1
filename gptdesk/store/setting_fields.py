"""A setting beside its value: title, help, page of the settings dialog, control, and which values it takes.

`Settings` declares each setting once, with `setting`; the dialog and docs/SETTINGS.md read `settings_of`. Without Qt.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import MISSING, field, fields
from functools import cache
from types import MappingProxyType
from typing import Any, Final, get_type_hints

import msgspec
from msgspec.structs import replace

from gptdesk.bounded_read import convert
from gptdesk.errors import UserError, brief

_KEY: Final = "setting"
_STORED: Final = "stored"


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One of some values, shown as a list.

    Attributes:
        titles: what the list says for each value.
    """

    titles: Mapping[Any, str]

    def check(self, name: str, value: Any) -> Any:
        if not any(type(value) is type(known) and value == known for known in self.titles):
            raise UserError(f"{name} must be one of {', '.join(map(str, self.titles))}, not {brief(value)}.")
        return value

    def describe(self) -> str:
        return ", ".join(self.titles.values())


class Number(msgspec.Struct, frozen=True, kw_only=True):
    """A whole number, shown as a box.

    Attributes:
        lowest: smallest value.
        highest: largest value.
        unit: written behind the box, such as "pixels".
        word: shown and typed in place of the smallest value; "" for none.
    """

    lowest: int
    highest: int
    unit: str = ""
    word: str = ""

    def check(self, name: str, value: Any) -> Any:
        if type(value) is not int or not self.lowest <= value <= self.highest:
            raise UserError(f"{name} must be a whole number from {self.lowest} to {self.highest}, not {brief(value)}.")
        return value

    def describe(self) -> str:
        word = f" ({self.lowest}: {self.word})" if self.word else ""
        return f"{self.lowest} to {self.highest} {self.unit}".rstrip() + word


class Switch(msgspec.Struct, frozen=True):
    """On or off, shown as a check box."""

    def check(self, name: str, value: Any) -> Any:
        if type(value) is not bool:
            raise UserError(f"{name} must be true or false, not {brief(value)}.")
        return value

    def describe(self) -> str:
        return "on, off"


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """A line of text.

    Attributes:
        placeholder: shown while it is empty.
        checked: returns the text as it is kept, or raises `UserError` with one sentence.
        values: what may be given, for the documentation.
    """

    placeholder: str = ""
    checked: Callable[[str], str] = str.strip
    values: str = "text"

    def check(self, name: str, value: Any) -> Any:
        if not isinstance(value, str):
            raise UserError(f"{name} must be text, not {brief(value)}.")
        return self.checked(value)

    def describe(self) -> str:
        return self.values


class Folder(msgspec.Struct, frozen=True):
    """A folder on this computer by its absolute path; "" for the standard one. It need not be there."""

    def check(self, name: str, value: Any) -> Any:
        if not isinstance(value, str) or not (value == "" or os.path.isabs(value)) or not _is_unicode(value):
            raise UserError(f"{name} must be the whole path of a folder, or empty, not {brief(value)}.")
        return value

    def describe(self) -> str:
        return "a folder, or empty for the standard one"


Control = Choice | Number | Switch | Text | Folder


def _is_unicode(path: str) -> bool:
    """Whether JSON can hold the path: names of files may be any bytes."""
    return "\0" not in path and path.encode("utf-8", "replace").decode() == path


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One setting of the dialog.

    Attributes:
        key: of the field in `Settings`, and in the file.
        default: its value before anybody changes it.
        title: name for people.
        help: what it does, one or two sentences.
        page: of the dialog; pages come in the order of their first setting.
        control: how the dialog shows it, and which values it takes.
    """

    key: str = ""
    default: Any = None
    title: str
    help: str
    page: str
    control: Control


def setting(default: Any, **about: Any) -> Any:
    """A field of `Settings`: its default, and the attributes of `Setting`."""
    return field(default=default, metadata={_KEY: Setting(**about)})


def stored(default: Any = MISSING, *, what: str, factory: Any = MISSING, kind: Any = None) -> Any:
    """A field of `Settings` that the dialog does not show.

    Args:
        default: its value before anything is stored.
        what: of what its value must be, for the sentence about any other: "a list of folders".
        factory: makes the default, where that is mutable.
        kind: type that msgspec checks, where it is narrower than the annotation.
    """
    metadata = {_STORED: (what, kind)}
    if factory is not MISSING:
        return field(default_factory=factory, metadata=metadata, hash=False)
    return field(default=default, metadata=metadata)


def check_stored(settings: Any) -> None:
    """Checks the fields of a frozen dataclass that were declared with `stored`; makes lists tuples.

    Raises:
        UserError: when a value is not of its type.
    """
    declared: Any = type(settings)
    for name, (what, kind) in _stored_of(declared).items():
        value = getattr(settings, name)
        try:
            read = convert(dict(value) if isinstance(value, Mapping) else value, kind)
        except (msgspec.ValidationError, RecursionError):
            raise UserError(f"{name} must be {what}, not {brief(value)}.") from None
        object.__setattr__(settings, name, MappingProxyType(read) if isinstance(read, dict) else read)


@cache
def _stored_of(kind: Any) -> Mapping[str, tuple[str, Any]]:
    hints = get_type_hints(kind, include_extras=True)
    declared = [(one.name, *one.metadata[_STORED]) for one in fields(kind) if _STORED in one.metadata]
    return {name: (what, narrower or hints[name]) for name, what, narrower in declared}


def settings_of(kind: Any) -> Mapping[str, Setting]:
    """The settings that the dataclass ``kind`` declares with `setting`, by key, in its order."""
    return _settings_of(kind)


@cache
def _settings_of(kind: Any) -> Mapping[str, Setting]:
    declared = [(one, one.metadata[_KEY]) for one in fields(kind) if _KEY in one.metadata]
    assert all(one.default is not MISSING for one, _ in declared), "each has a default"
    return MappingProxyType({one.name: replace(about, key=one.name, default=one.default) for one, about in declared})
