"""Saves a document's text as a plain file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from gptdesk.errors import UserError
from gptdesk.store.files import write_atomic

TEXT: Final = "Text (*.txt)"
MARKDOWN: Final = "Markdown (*.md)"
FILTERS: Final = f"{TEXT};;{MARKDOWN};;All files (*)"
SUFFIXES: Final = (".txt", ".md", ".markdown", ".text")
"""Of files that are opened as text without asking what they are."""

_ADDED: Final = {TEXT: ".txt", MARKDOWN: ".md"}


def save_text(text: str, path: Path) -> None:
    """Writes the text as UTF-8.

    Raises:
        UserError: when the disk is full or may not be written; a file that was there stays as it was.
    """
    save_bytes(text.encode("utf-8"), path)


def save_bytes(content: bytes, path: Path) -> None:
    """Writes ``content``.

    Raises:
        UserError: as `save_text`.
    """
    try:
        write_atomic(path, content)
    except OSError as error:
        raise UserError(f"The text cannot be saved to {path} ({error.strerror}); choose another place.") from error


def with_suffix(path: Path, chosen: str) -> Path:
    """The path with the suffix of the chosen filter, where the person typed none of a text's."""
    added = _ADDED.get(chosen, "")
    return path if path.suffix.lower() in SUFFIXES or not added else path.with_name(path.name + added)
