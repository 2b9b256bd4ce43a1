"""Decompresses files that may be truncated or damaged; keeps what comes before the damage."""

from __future__ import annotations

import gzip
import lzma
import zipfile
import zlib
from typing import IO, Final

UNPACKING_ERRORS: Final = (
    EOFError, lzma.LZMAError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile, NotImplementedError,
)  # fmt: skip


PIECE: Final = 1 << 16
"""Bytes unpacked at a time; pyarrow loses up to so many before damage."""


def read_some(stream: IO[bytes], size: int) -> bytes:
    """One to ``size`` bytes, none at the end. Unlike ``read`` it loses nothing that was unpacked before an error."""
    return stream.read1(min(size, PIECE))  # type: ignore[attr-defined, no-any-return]


def read_until_damage(stream: IO[bytes], size: int) -> tuple[bytes, Exception | None]:
    """``size`` bytes, fewer at the end or before damage, and the error that the damage raised.

    Returns:
        The bytes, and the error; None where nothing was wrong.
    """
    blocks: list[bytes] = []
    left = size
    try:
        while left and (block := read_some(stream, left)):
            blocks.append(block)
            left -= len(block)
    except (*UNPACKING_ERRORS, OSError) as error:
        return b"".join(blocks), error
    return b"".join(blocks), None
