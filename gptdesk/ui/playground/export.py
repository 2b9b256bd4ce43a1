"""Saves a document as a file, in the format that its name or the dialog's filter says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gptdesk.errors import UserError
from gptdesk.store.document import Document
from gptdesk.store.export_html import to_html
from gptdesk.store.export_json import to_json
from gptdesk.store.files import write_atomic


@dataclass(frozen=True)
class Format:
    """A format of files that a document can be saved in.

    Attributes:
        title: as the dialog names it.
        suffixes: of its files; the first is added to a name that has none.
        write: makes the file's bytes.
        own: whether a document saved so has this as its own file, which Save writes again. Others are exports.
    """

    title: str
    suffixes: tuple[str, ...]
    write: Callable[[Document], bytes]
    own: bool = False

    @property
    def filter(self) -> str:
        """``Text (*.txt)``, as Qt's file dialog wants it."""
        return f"{self.title} (*{self.suffixes[0]})"


def _to_text(document: Document) -> bytes:
    return document.text.encode("utf-8")


FORMATS: Final = (
    Format("Text", (".txt", ".text"), _to_text, own=True),
    Format("Markdown", (".md", ".markdown"), _to_text, own=True),
    Format("Web page with generated text marked", (".html", ".htm"), to_html),
    Format("JSON with tokens", (".json",), to_json),
)
"""The first is the one where neither name nor filter says another."""


def filters() -> str:
    """All formats, as Qt's file dialog wants them."""
    return ";;".join([*(each.filter for each in FORMATS), "All files (*)"])


def format_of(path: Path) -> Format:
    """The format that the name's suffix says."""
    return _by_suffix(path) or FORMATS[0]


def with_suffix(path: Path, chosen: str, *, suggested: Path) -> Path:
    """The path with a suffix that says its format.

    A suffix that a person typed stands. The filter that they chose replaces the one that was suggested to them, and
    is added where there is none.

    Args:
        chosen: the filter.
        suggested: the path that the dialog began with.
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
        UserError: when the disk is full or may not be written; a file that was there stays as it was.
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
