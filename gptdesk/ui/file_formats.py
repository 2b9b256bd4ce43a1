"""Formats of files that a person saves: the suffix tells which, or the filter chosen in the file dialog."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import msgspec


class FileFormat(msgspec.Struct, frozen=True):
    """A format of files.

    Attributes:
        title: in the file dialog.
        suffixes: of its files; the first one is added to a name without suffix.
    """

    title: str
    suffixes: tuple[str, ...]

    @property
    def filter(self) -> str:
        """A filter of Qt's file dialog, such as ``Text (*.txt)``."""
        return f"{self.title} (*{self.suffixes[0]})"


F = TypeVar("F", bound=FileFormat)


def by_suffix(formats: Sequence[F], path: Path) -> F | None:
    """The format that the suffix of a path tells, if it is one of these."""
    return next((each for each in formats if path.suffix.lower() in each.suffixes), None)


def with_suffix(formats: Sequence[FileFormat], path: Path, chosen: str, *, suggested: str) -> Path:
    """The path with a suffix of the chosen format.

    A suffix that the person typed is kept. That of the chosen filter replaces the suggested suffix, and is added to a
    name without one.

    Args:
        formats: between which the person chose.
        path: that the dialog returned.
        chosen: filter chosen in the dialog.
        suggested: suffix of the path with which the dialog was opened.
    """
    wanted, typed = next((each for each in formats if each.filter == chosen), None), by_suffix(formats, path)
    if wanted is None or typed is wanted:
        return path
    if typed is None:
        return path.with_name(path.name + wanted.suffixes[0])
    return path.with_suffix(wanted.suffixes[0]) if path.suffix == suggested else path
