"""Reads the wire format of protocol buffers: the few message types of a TensorFlow checkpoint need no schema compiler.

Source: https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5

_WIDTHS: Final = {FIXED64: 8, FIXED32: 4}
_LONGEST_VARINT: Final = 10


class WireError(ValueError):
    """The bytes are no message; ``str(error)`` is a clause, such as "a number in it has no end"."""


def varint(data: bytes, at: int) -> tuple[int, int]:
    """The unsigned number of 64 bits at that offset, and the offset behind it.

    Raises:
        WireError: when the data ends in it.
    """
    value = 0
    for index, byte in enumerate(data[at : at + _LONGEST_VARINT]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at + index + 1
    raise WireError("a number in it has no end")


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of each field of a message, in its order; fixed-width values are unsigned.

    Raises:
        WireError: when it is no message.
    """
    at = 0
    while at < len(message):
        key, at = varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, at = varint(message, at)
            yield number, value
            continue
        if kind == LENGTH:
            width, at = varint(message, at)
        elif kind in _WIDTHS:
            width = _WIDTHS[kind]
        else:
            raise WireError("a field in it has an unknown type")
        if at + width > len(message):
            raise WireError("a field in it is cut short")
        data = message[at : at + width]
        yield number, data if kind == LENGTH else int.from_bytes(data, "little")
        at += width
