"""`Input`: a file or a member of an archive, decompressed and decoded to UTF-8 for a format's reader."""

from __future__ import annotations

import functools
import gzip
import io
import lzma
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, NoReturn

from gptdesk.gpt2.chat_template import DEFAULT_TEMPLATE, TEMPLATES
from trainer.prepare.account import Account
from trainer.prepare.broken import Broken
from trainer.prepare.formats import FORMATS, signature
from trainer.prepare.records import DEFAULT_COLUMN, RecordParser
from trainer.prepare.records import Document as Document
from trainer.prepare.text.arrow import arrow
from trainer.prepare.text.encodings import UTF_8, NotText, detect, named, recoded, take_sample
from trainer.prepare.text.unpacking import PIECE

BOM: Final = b"\xef\xbb\xbf"
"""Of UTF-8."""

DAMAGED: Final = "damaged or cut short"
DAMAGED_LATER: Final = "damaged or cut short; only what comes before the damage was read"
NOT_UTF8: Final = "not UTF-8 text"

LARGEST_WHOLE: Final = 256 << 20
"""Bytes of a file that is read into memory whole (PDF, HTML, parts of EPUB and Word files, Parquet in an archive)."""

_BLOCK: Final = 1 << 20


class Unreadable(Exception):
    """Why a whole file cannot be read, without a full stop."""


@dataclass
class Input:
    """A file, or a member of an archive, that a format reads.

    Attributes:
        name: in messages.
        format: one of `FORMATS`.
        size: in bytes, as they are stored.
        open_raw: opens it, at its beginning.
        compression: ``.gz``, ``.xz``, ``.zst`` or nothing.
        path: of a file on this computer that is not compressed; None for a member of an archive.
        settings: what a format has to know of the request.
        broken: notes what cannot be used.
        account: counts encodings and kinds of records.
        encoding: decided before; empty: found out when it is opened.
        share: how much of the stretch in hand has been read, for the progress.
        cut: how many documents were cut because they are too long.
    """

    name: str
    format: str
    size: int
    open_raw: Callable[[], IO[bytes]]
    settings: Settings
    broken: Broken
    account: Account
    path: Path | None = None
    compression: str = ""
    encoding: str = ""
    share: float = 0.0
    cut: int = 0
    _raw: IO[bytes] | None = None
    _lines_before: dict[int, int] = field(default_factory=dict)

    def note(self, why: str, where: object = "", size: int = 0) -> None:
        """Says that something in it cannot be used.

        Raises:
            UserError: when that is an error.
        """
        self.broken.note(self.name, why, str(where), size)

    @property
    def position(self) -> int:
        """Bytes of it, as they are stored, that have been read."""
        return self._raw.tell() if self._raw and not self._raw.closed else self.size

    @contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        """Its bytes, unpacked."""
        with self.open_raw() as raw:
            self._raw = raw
            with _unpacked(raw, self.compression, self.name) as stream:
                yield stream

    @contextmanager
    def text(self, start: int = 0) -> Iterator[IO[bytes]]:
        """Its text from byte ``start`` as UTF-8, bytes that are none of UTF-8 included where it is that mostly.

        Raises:
            Unreadable: for what is no text.
            UserError: for another encoding than UTF-8, when that is an error.
        """
        encoding = self.encoding or self.detect()
        self.account.saw_encoding(named(encoding))
        if encoding != UTF_8 and self.broken.strict:
            self.note(f"its encoding is {named(encoding)}, not UTF-8")
        with self.opened() as stream:
            if start:
                stream.seek(start)
            yield recoded(stream, encoding)

    def detect(self) -> str:
        """The encoding of its text.

        Raises:
            Unreadable: for what is no text.
        """
        with self.opened() as stream:
            return encoding_of(stream, None if self.compression else self.size)

    def lines_before(self, start: int) -> int:
        """How many lines end before byte ``start`` of what is neither compressed nor in another encoding."""
        if start not in self._lines_before:
            count, left = 0, start
            with self.open_raw() as stream:
                while left and (block := stream.read(min(left, _BLOCK))):
                    count += block.count(b"\n")
                    left -= len(block)
            self._lines_before = {start: count}
        return self._lines_before[start]

    def whole(self, limit: int = LARGEST_WHOLE) -> bytes:
        """All of its bytes, unpacked.

        Raises:
            Unreadable: when there are more than ``limit``.
        """
        with self.opened() as stream:
            data = stream.read(limit + 1)
        if len(data) > limit:
            raise Unreadable(f"is larger than {limit >> 20} MiB, which is too much for {FORMATS[self.format].label}")
        return data


@dataclass(frozen=True)
class Settings:
    """Settings of a request that formats use.

    Attributes:
        column: name of the text in records.
        template: name of the chat template that makes a text of instructions and conversations.
    """

    column: str = DEFAULT_COLUMN
    template: str = DEFAULT_TEMPLATE

    @functools.cached_property
    def records(self) -> RecordParser:
        """Converts records to documents."""
        return RecordParser(self.column, TEMPLATES[self.template])


def encoding_of(stream: IO[bytes], size: int | None) -> str:
    """The encoding of a text from its beginning and, where it can seek (``size`` given), from all over it.

    Raises:
        Unreadable: for what is no text.
    """
    sample = take_sample(stream, size)
    try:
        encoding = detect(sample)
    except NotText:
        refuse_binary(sample)
    if what := signature(sample):
        raise Unreadable(f"is not text but {what}")
    return encoding


def refuse_binary(sample: bytes) -> NoReturn:
    """Raises `Unreadable` with what the file seems to be."""
    raise Unreadable(f"is not text but {signature(sample) or 'binary data'}")


def _unpacked(raw: IO[bytes], compression: str, name: str) -> IO[bytes]:
    match compression:
        case ".gz":
            return gzip.GzipFile(fileobj=raw)  # type: ignore[return-value]
        case ".xz":
            return lzma.LZMAFile(raw)
        case ".zst":
            pyarrow, _ = arrow(f"Zstandard ({name})")
            return io.BufferedReader(pyarrow.CompressedInputStream(raw, "zstd"), PIECE)
        case _:
            return raw
