"""Reads the text of a command from its argument or standard input."""

from __future__ import annotations

import sys
from typing import Final

from gptdesk.errors import UserError

LARGEST_INPUT: Final = 2**28
"""Most bytes read from standard input: a pipe may never end."""


def read_text(argument: str) -> str:
    """The argument, or all of standard input for ``-``, unchanged.

    Raises:
        UserError: if it is not UTF-8, cannot be read, or is longer than ``LARGEST_INPUT``.
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
