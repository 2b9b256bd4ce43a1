"""Writes the tokens of a text to a file: all figures as CSV, or the text with its colours as a web page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gptdesk.errors import UserError
from gptdesk.store.files import write_atomic
from gptdesk.ui.file_formats import FileFormat, by_suffix

if TYPE_CHECKING:
    from gptdesk.gpt2.tokenizer import Tokenizer
    from gptdesk.ui.playground.tokens.export_html import ColouredText


def _to_csv(shown: ColouredText, tokenizer: Tokenizer) -> bytes:
    """As `gptdesk score --csv` prints it."""
    from gptdesk.inference.scoring.table import as_csv, scored_tokens

    scored = shown.table.scored
    assert scored is not None
    spans = list(zip(scored.starts.tolist(), scored.ends.tolist(), strict=True))
    return "".join(as_csv(scored_tokens(scored.found, spans, tokenizer))).encode("utf-8")


def _to_html(shown: ColouredText, tokenizer: Tokenizer) -> bytes:
    from gptdesk.ui.playground.tokens.export_html import to_html

    return to_html(shown, tokenizer)


class Format(FileFormat, frozen=True):
    """A file format for tokens.

    Attributes:
        write: returns the contents of the file.
    """

    write: Callable[[ColouredText, Tokenizer], bytes]


FORMATS: Final = (
    Format("CSV", (".csv",), _to_csv),
    Format("Web page with the colours", (".html", ".htm"), _to_html),
)
"""The first one is the default."""


def filters() -> str:
    """All formats as a filter of Qt's file dialog."""
    return ";;".join(each.filter for each in FORMATS)


def export(shown: ColouredText, tokenizer: Tokenizer, path: Path) -> None:
    """Writes the tokens in the format of the path's suffix.

    Raises:
        UserError: if the disk is full or cannot be written; an existing file is then unchanged.
    """
    content = (by_suffix(FORMATS, path) or FORMATS[0]).write(shown, tokenizer)
    try:
        write_atomic(path, content)
    except OSError as error:
        raise UserError(f"The tokens cannot be written to {path} ({error.strerror}); choose another place.") from error
