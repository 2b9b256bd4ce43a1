"""Reads documents from files of all formats in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from trainer.prepare.account import Account
from trainer.prepare.broken import Broken
from trainer.prepare.formats import FORMATS
from trainer.prepare.formats.input import DAMAGED, DAMAGED_LATER, Document, Input, Settings, Unreadable
from trainer.prepare.sources.files import SourceFile
from trainer.prepare.text.unpacking import UNPACKING_ERRORS

__all__ = ["Document", "Reader", "format_module", "make_input", "read_input"]


class Reader:
    """Reads stretches of one file.

    Args:
        file: what it is.
        path: where it is on this computer.
        settings: of the request.
        broken: notes what cannot be used.
        account: counts encodings and records.
        encoding: of its text, where it was found out before.

    Attributes:
        cut: how many documents were cut because they are too long.
        share: how much of the stretch in hand has been read, for the progress.
    """

    def __init__(
        self,
        file: SourceFile,
        path: Path,
        settings: Settings,
        broken: Broken,
        account: Account | None = None,
        encoding: str = "",
    ) -> None:
        self._input = make_input(file, path, settings, broken, account or Account(), encoding)

    @property
    def cut(self) -> int:
        return self._input.cut

    @property
    def share(self) -> float:
        return self._input.share

    def documents(self, start: int, end: int) -> Iterator[Document]:
        """The documents from byte ``start`` to ``end``, or of these row groups of parquet; none that is empty."""
        return read_input(self._input, start, end)


def make_input(
    file: SourceFile, path: Path, settings: Settings, broken: Broken, account: Account, encoding: str = ""
) -> Input:
    """What a format reads of a file on this computer."""
    return Input(
        name=file.name,
        format=file.format,
        size=file.bytes,
        open_raw=_opener(path),
        path=None if file.compression else path,
        compression=file.compression,
        settings=settings,
        broken=broken,
        account=account,
        encoding=encoding,
    )


def _opener(path: Path) -> Callable[[], IO[bytes]]:
    return lambda: path.open("rb")


def format_module(format: str) -> Any:
    """The module that reads a format."""
    return import_module(f"trainer.prepare.formats.{FORMATS[format].module}")


def read_input(source: Input, start: int, end: int) -> Iterator[Document]:
    """The documents of a stretch; what is wrong with it is noted, and what comes before that is yielded.

    Raises:
        UserError: for anything wrong where that is an error, or for a library that is missing.
    """
    if not source.size:
        source.note("is empty")
        return
    damage = DAMAGED
    try:
        for document in format_module(source.format).read(source, start, end):
            damage = DAMAGED_LATER
            yield document
    except Unreadable as reason:
        source.note(str(reason))
    except UNPACKING_ERRORS:
        source.note(damage)
    except OSError as error:
        source.note(f"cannot be read: {error.strerror}" if error.errno else damage)
