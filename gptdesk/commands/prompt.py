"""The text of a command: read from its argument or standard input, with special tokens or without."""

from __future__ import annotations

import argparse
import sys
from typing import Final

from gptdesk.errors import UserError

LARGEST_INPUT: Final = 2**28
"""Most bytes read from standard input: a pipe may never end."""


def add_special_flag(parser: argparse.ArgumentParser) -> None:
    """Adds ``--special``."""
    parser.add_argument(
        "--special",
        action="store_true",
        help="read the names of special tokens, such as <|endoftext|>, as those tokens, not as text",
    )


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
