"""Reads LevelDB's sorted table of keys and values, the form of the index of a TensorFlow checkpoint.

Source: https://github.com/google/leveldb/blob/main/doc/table_format.md and TensorFlow's ``core/lib/io/format.cc``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gptdesk.library.importing.readers.crc32c import crc32c, masked
from gptdesk.library.importing.readers.protobuf import WireError, varint

_MAGIC: Final = (0xDB4775248B80FB57).to_bytes(8, "little")
_FOOTER: Final = 48
"""Bytes: two block handles of at most 20 bytes each, padded, and the magic number."""

_TRAILER: Final = 5
"""Bytes behind each block: how it is compressed, and its masked CRC-32C."""

_UNCOMPRESSED: Final = 0


class TableError(ValueError):
    """The bytes are no sound table; ``str(error)`` is a clause, such as "a block in it has a wrong checksum"."""


def read_table(data: bytes) -> dict[bytes, bytes]:
    """The entries of a table, in its order.

    Raises:
        TableError: when it is cut short, damaged, or compressed, which TensorFlow never does to a checkpoint's index.
    """
    if len(data) < _FOOTER or data[-len(_MAGIC) :] != _MAGIC:
        raise TableError("it is no table, or cut short")
    footer = data[-_FOOTER:]
    entries: dict[bytes, bytes] = {}
    last: bytes | None = None
    try:
        _, _, at = _handle(footer, 0)  # of the block of meta data, which has none
        offset, size, _ = _handle(footer, at)
        for _, handle in _entries(_block(data, offset, size)):
            offset, size, _ = _handle(handle, 0)
            for key, value in _entries(_block(data, offset, size)):
                if last is not None and key <= last:
                    raise TableError("its keys are out of order")
                entries[key] = value
                last = key
    except WireError as error:
        raise TableError(str(error)) from error
    return entries


def _handle(data: bytes, at: int) -> tuple[int, int, int]:
    """Offset and size of a block, and the offset behind the handle."""
    offset, at = varint(data, at)
    size, at = varint(data, at)
    return offset, size, at


def _block(data: bytes, offset: int, size: int) -> bytes:
    """The contents of a block, once it is sure that they are what was written."""
    end = offset + size
    if end + _TRAILER > len(data) - _FOOTER:
        raise TableError("a block in it lies beyond its end")
    stored = int.from_bytes(data[end + 1 : end + _TRAILER], "little")
    if masked(crc32c(data[offset : end + 1])) != stored:
        raise TableError("a block in it has a wrong checksum")
    if data[end] != _UNCOMPRESSED:
        raise TableError("a block in it is compressed")
    return data[offset:end]


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keys, each stored as what differs from the one before it, and values of a block."""
    if len(block) < 4:
        raise TableError("a block in it is cut short")
    end = len(block) - 4 * (1 + int.from_bytes(block[-4:], "little"))  # the restart points, and their number
    if end < 0:
        raise TableError("a block in it is cut short")
    at, key = 0, b""
    while at < end:
        shared, at = varint(block, at)
        rest, at = varint(block, at)
        length, at = varint(block, at)
        if shared > len(key) or at + rest + length > end:
            raise TableError("a block in it is cut short")
        key = key[:shared] + block[at : at + rest]
        at += rest
        yield key, block[at : at + length]
        at += length
