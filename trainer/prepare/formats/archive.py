"""Zip archives of files in other formats; members are read in place, nothing is extracted."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import PurePosixPath
from typing import IO, Final

from trainer.prepare.formats import FORMATS, ZIP, compression_of, format_of, packages
from trainer.prepare.formats.input import Document, Input, Unreadable
from trainer.prepare.formats.packages import printable
from trainer.prepare.readers import read_input

_ENCRYPTED: Final = 1
"""Bit of a member's flags."""


def weights(source: Input) -> list[int]:
    """Bytes of each member that can be read.

    Raises:
        Unreadable: when the archive is damaged, a zip bomb, or holds nothing to read.
    """
    with packages.opened(source) as archive:
        sizes = [max(1, member.file_size) for member in members(archive)]
    if not sizes:
        raise Unreadable("holds no files that can be read")
    return sizes


def members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The files in an archive whose formats are known, hidden ones left out, in its order."""
    return [
        member
        for member in archive.infolist()
        if member.filename and not member.is_dir() and format_of(member.filename) and not _is_hidden(member.filename)
    ]


def _is_hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(name.replace("../", "")).parts)


def read(source: Input, start: int, end: int) -> Iterator[Document]:
    """The documents of members ``start`` to ``end``."""
    with packages.opened(source) as archive:
        wanted = members(archive)[start:end]
        for number, member in enumerate(wanted):
            source.account.files += 1
            yield from _member(source, archive, member)
            source.share = (number + 1) / len(wanted)


def _member(source: Input, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[Document]:
    format = format_of(member.filename)
    assert format
    inner = replace(
        source,
        name=f"{source.name}/{printable(member.filename)}",
        format=format,
        size=member.file_size,
        open_raw=_opener(archive, member),
        path=None,
        compression=compression_of(member.filename),
        encoding="",
        cut=0,
    )
    if member.flag_bits & _ENCRYPTED:
        inner.note("is encrypted")
    elif format == ZIP:
        inner.note("is an archive inside an archive; unpack it first")
    elif inner.compression and FORMATS[format].packed:
        inner.note("is compressed twice; unpack it first")
    else:
        yield from read_input(inner, 0, inner.size)
    source.cut += inner.cut


def _opener(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
    return lambda: archive.open(member)
