"""Reads a text file in any encoding, detected as `trainer prepare` does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gptdesk import number_format
from gptdesk.errors import UserError
from trainer.prepare.text.encodings import NotText, detect, named

LARGEST: Final = 10_000_000
"""Bytes: some five novels. Longer texts are for training."""


@dataclass(frozen=True)
class TextFile:
    """What a file holds.

    Attributes:
        path: of the file.
        text: with line ends as they are in the file.
        encoding: for a person to read.
        damaged: some of its bytes are no characters of the encoding and U+FFFD in the text.
    """

    path: Path
    text: str
    encoding: str
    damaged: bool


def read_text_file(path: Path) -> TextFile:
    """The text in ``path``.

    Raises:
        UserError: when it cannot be read, is no file, is empty, holds no text or is larger than ``LARGEST``.
    """
    try:
        if path.is_dir():
            raise UserError(f"{path.name} is a folder; open the text files in it one by one.")
        if not path.is_file():
            raise UserError(f"{path.name} is no file that can be opened.")
        size = path.stat().st_size
        if size > LARGEST:
            raise UserError(
                f"{path.name} has {number_format.size(size)}, and the Playground takes texts of up to "
                f"{number_format.size(LARGEST)}. "
                "To train on it, drop it on the Train page."
            )
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path.name} cannot be read ({error.strerror}).") from error
    return _decoded(path, data)


def _decoded(path: Path, data: bytes) -> TextFile:
    try:
        encoding = detect(data)
        text = data.decode("utf-8-sig" if encoding == "utf-8" else encoding, errors="replace")
    except (NotText, LookupError):
        raise UserError(f"{path.name} holds no text that can be read; plain text and Markdown can be opened.") from None
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise UserError(f"{path.name} is empty.")
    return TextFile(path, text, named(encoding), "\ufffd" in text)
