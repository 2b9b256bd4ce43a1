"""Saves a document to a file; the format follows the suffix or the filter of the file dialog."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from gptdesk.errors import UserError
from gptdesk.store.document import Document
from gptdesk.store.export.html import to_html
from gptdesk.store.export.json import to_json
from gptdesk.store.files import write_atomic
from gptdesk.ui.file_formats import FileFormat, by_suffix

TOPIC: Final = "save document"
"""Of messages about saving to a file."""


class Format(FileFormat, frozen=True):
    """A file format for documents.

    Attributes:
        write: returns the contents of the file.
        own: whether "Save to file" writes to such a file again; the other formats are exports.
    """

    write: Callable[[Document], bytes]
    own: bool = False


def _to_text(document: Document) -> bytes:
    return document.mixed.spelled.encode("utf-8")


FORMATS: Final = (
    Format("Text", (".txt", ".text"), _to_text, own=True),
    Format("Markdown", (".md", ".markdown"), _to_text, own=True),
    Format("Web page with generated text marked", (".html", ".htm"), to_html),
    Format("JSON with tokens", (".json",), to_json),
)
"""The first one is the default."""


def filters() -> str:
    """All formats as a filter of Qt's file dialog."""
    return ";;".join([*(each.filter for each in FORMATS), "All files (*)"])


def format_of(path: Path) -> Format:
    """The format of the suffix, or the default."""
    return by_suffix(FORMATS, path) or FORMATS[0]


def save(document: Document, path: Path) -> None:
    """Writes the document in the format of the path's suffix.

    Raises:
        UserError: if the disk is full or cannot be written; an existing file is then unchanged.
    """
    save_bytes(format_of(path).write(document), path)


def save_bytes(content: bytes, path: Path) -> None:
    """Writes ``content``.

    Raises:
        UserError: as `save`.
    """
    try:
        write_atomic(path, content)
    except OSError as error:
        raise UserError(f"The text cannot be saved to {path} ({error.strerror}); choose another place.") from error
