"""Writes the tokens of a text to a file: all figures as CSV, or the text with its colours as a web page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gptdesk.errors import UserError
from gptdesk.store.files import write_atomic

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


@dataclass(frozen=True)
class Format:
    """A file format for tokens.

    Attributes:
        title: in the file dialog.
        suffixes: of its files; the first one is added to a name without suffix.
        write: returns the contents of the file.
    """

    title: str
    suffixes: tuple[str, ...]
    write: Callable[[ColouredText, Tokenizer], bytes]

    @property
    def filter(self) -> str:
        """A filter of Qt's file dialog."""
        return f"{self.title} (*{self.suffixes[0]})"


FORMATS: Final = (
    Format("CSV", (".csv",), _to_csv),
    Format("Web page with the colours", (".html", ".htm"), _to_html),
)
"""The first one is the default."""


def filters() -> str:
    """All formats as a filter of Qt's file dialog."""
    return ";;".join(each.filter for each in FORMATS)


def with_suffix(path: Path, chosen: str) -> Path:
    """The path with the suffix of the ``chosen`` filter, unless that of another format was typed."""
    wanted = next((each for each in FORMATS if each.filter == chosen), FORMATS[0])
    suffix = path.suffix.lower()
    if suffix in wanted.suffixes or (suffix != FORMATS[0].suffixes[0] and _by_suffix(path) is not None):
        return path
    if _by_suffix(path) is None:
        return path.with_name(path.name + wanted.suffixes[0])
    return path.with_suffix(wanted.suffixes[0])


def export(shown: ColouredText, tokenizer: Tokenizer, path: Path) -> None:
    """Writes the tokens in the format of the path's suffix.

    Raises:
        UserError: if the disk is full or cannot be written; an existing file is then unchanged.
    """
    content = (_by_suffix(path) or FORMATS[0]).write(shown, tokenizer)
    try:
        write_atomic(path, content)
    except OSError as error:
        raise UserError(f"The tokens cannot be written to {path} ({error.strerror}); choose another place.") from error


def _by_suffix(path: Path) -> Format | None:
    return next((each for each in FORMATS if path.suffix.lower() in each.suffixes), None)
