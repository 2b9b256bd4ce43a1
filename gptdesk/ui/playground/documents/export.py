"""Saves a document to a file; the format follows the suffix or the filter of the file dialog."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gptdesk.errors import UserError
from gptdesk.store.document import Document
from gptdesk.store.export.html import to_html
from gptdesk.store.export.json import to_json
from gptdesk.store.files import write_atomic

TOPIC: Final = "save document"
"""Of messages about saving to a file."""


@dataclass(frozen=True)
class Format:
    """A file format for documents.

    Attributes:
        title: in the file dialog.
        suffixes: of its files; the first one is added to a name without suffix.
        write: returns the contents of the file.
        own: whether "Save to file" writes to such a file again; the other formats are exports.
    """

    title: str
    suffixes: tuple[str, ...]
    write: Callable[[Document], bytes]
    own: bool = False

    @property
    def filter(self) -> str:
        """A filter of Qt's file dialog, such as ``Text (*.txt)``."""
        return f"{self.title} (*{self.suffixes[0]})"


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
    return _by_suffix(path) or FORMATS[0]


def with_suffix(path: Path, chosen: str, *, suggested: Path) -> Path:
    """The path with a suffix of the chosen format.

    A suffix that the person typed is kept. That of the chosen filter replaces the suggested suffix, and is added to a
    name without one.

    Args:
        chosen: filter chosen in the dialog.
        suggested: path with which the dialog was opened.
    """
    wanted = next((each for each in FORMATS if each.filter == chosen), None)
    if wanted is None or _by_suffix(path) is wanted:
        return path
    if _by_suffix(path) is None:
        return path.with_name(path.name + wanted.suffixes[0])
    return path.with_suffix(wanted.suffixes[0]) if path.suffix == suggested.suffix else path


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


def _by_suffix(path: Path) -> Format | None:
    return next((each for each in FORMATS if path.suffix.lower() in each.suffixes), None)
