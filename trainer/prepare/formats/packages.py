"""Opens zip files (archives, EPUB, Word) with bounds on size; extracts nothing to the disk."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from trainer.prepare.formats.input import DAMAGED, Input, Unreadable
from trainer.prepare.text.unpacking import UNPACKING_ERRORS

MOST_MEMBERS: Final = 200_000
SMALL: Final = 64 << 20
"""Bytes that any package may unpack to; a larger one is measured by its ratio."""

LARGEST_RATIO: Final = 200
"""Times its size that a package may unpack to. Text comes to 3 or 10, a table that repeats itself to 100."""

LARGEST_PART: Final = 64 << 20
"""Bytes of one part of a document (a chapter, the text of a Word file)."""

_OLE: Final = b"\xd0\xcf\x11\xe0"

ERRORS: Final = (
    zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError, LookupError, OverflowError, struct.error,
    *UNPACKING_ERRORS,
)  # fmt: skip
"""What zipfile raises for damage, for a method of compression or encryption that it does not know, and for hostile
files. RuntimeError: a password is needed."""


@contextmanager
def opened(source: Input) -> Iterator[zipfile.ZipFile]:
    """The package, once its directory has been found to be in bounds.

    Raises:
        Unreadable: when it is damaged, encrypted, or unpacks to much more than text does.
    """
    try:
        package = zipfile.ZipFile(source.path or io.BytesIO(source.whole()))
    except ERRORS:
        with source.opened() as stream:
            protected = stream.read(4) == _OLE
        raise Unreadable("is encrypted, or an old Word file" if protected else DAMAGED) from None
    with package:
        refuse_bomb(package.infolist(), source.size)
        yield package


def refuse_bomb(members: list[zipfile.ZipInfo], size: int) -> None:
    """Raises `Unreadable` for a directory that promises more than a package of ``size`` bytes should hold.

    No more is ever unpacked than the directory says: zipfile stops there.
    """
    if len(members) > MOST_MEMBERS:
        raise Unreadable(f"holds {len(members):,} files, more than {MOST_MEMBERS:,}")
    unpacked = sum(member.file_size for member in members)
    if unpacked > SMALL and unpacked > LARGEST_RATIO * size:
        raise Unreadable(
            f"would unpack to {unpacked / size:,.0f} times its size ({unpacked >> 20:,} MiB), as only a zip bomb does"
        )


def read_part(package: zipfile.ZipFile, name: str, limit: int = LARGEST_PART) -> bytes:
    """One member.

    Raises:
        Unreadable: when it is missing, too large, encrypted or damaged.
    """
    try:
        member = package.getinfo(name)
    except KeyError:
        raise Unreadable(f"lacks its part {printable(name)}") from None
    if member.file_size > limit:
        raise Unreadable(f"its part {printable(name)} is larger than {limit >> 20} MiB")
    if member.flag_bits & 1:
        raise Unreadable("is encrypted")
    try:
        return package.read(member)
    except ERRORS:
        raise Unreadable(f"its part {printable(name)} is {DAMAGED}") from None


def printable(name: str) -> str:
    """A member's name without what would move a terminal's cursor."""
    return "".join(char if char.isprintable() else "\ufffd" for char in name)[:200]
