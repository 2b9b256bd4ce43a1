"""Text that a command is given as an argument or on standard input."""

from __future__ import annotations

import sys
from typing import Final

from gptdesk.errors import UserError

LARGEST_INPUT: Final = 2**28
"""Bytes of standard input that are read: a pipe may never end."""


def read_text(argument: str) -> str:
    """The argument itself, or all of standard input, as it is, for ``-``.

    Raises:
        UserError: when it is not UTF-8, cannot be read, or is longer than any text that makes sense.
    """
    if argument == "-":
        source = "Standard input"
        try:
            data = sys.stdin.buffer.read(LARGEST_INPUT + 1) if sys.stdin else b""  # None when it is closed
        except OSError as error:
            raise UserError(f"{source} cannot be read ({error.strerror}).") from error
    else:
        source = "The text"
        data = argument.encode("utf-8", "surrogateescape")  # gives back the bytes that Python could not read in it
    if len(data) > LARGEST_INPUT:
        raise UserError(f"{source} is longer than {LARGEST_INPUT:,} bytes.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{source} is not UTF-8 (byte {error.start + 1:,} is 0x{data[error.start]:02x}); convert it first."
        ) from error
