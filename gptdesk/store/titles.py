"""Titles of documents: made of the beginning of the text, or given by a person."""

from __future__ import annotations

import string
from typing import Final

from gptdesk.errors import UserError
from gptdesk.gpt2.mixed_text import PLACEHOLDER, MixedText

UNTITLED: Final = "Untitled"
LONGEST_TITLE: Final = 120
"""Characters of a title that a person gives."""

LOOKED_AT: Final = 2000
"""Characters of a text that its title may depend on."""

_TITLE_LENGTH: Final = 48
_BEFORE: Final = f"{PLACEHOLDER}{string.whitespace}"
_ENDS: Final = (".", "!", "?", "…")
_CLOSING: Final = "\"'”’»)"


def title_of(mixed: MixedText) -> str:
    """The beginning of the first line that is not empty, as one line; an ellipsis says where a sentence was cut.

    Special tokens before it are left out: an end of text, or the marker of a chat's first turn, says nothing.
    """
    end = min(len(mixed), LOOKED_AT)
    start = end - len(mixed.text[:end].lstrip(_BEFORE))
    line = next((line for line in mixed[start:end].spelled.splitlines() if line.strip()), UNTITLED)
    line = " ".join(line.split())
    if len(line) <= _TITLE_LENGTH:
        return line
    cut = line[:_TITLE_LENGTH]
    if " " in cut and line[_TITLE_LENGTH] != " ":
        cut = cut[: cut.rindex(" ")]
    cut = cut.rstrip(" ,;:—-")
    return cut if cut.rstrip(_CLOSING).endswith(_ENDS) else cut + "…"


def check_title(title: str) -> None:
    """Refuses titles that a list cannot show.

    Raises:
        UserError: when it cannot be used.
    """
    if not title.strip() or not title.isprintable():
        raise UserError("A title needs printable characters.")
    if len(title) > LONGEST_TITLE:
        raise UserError(f"A title may have at most {LONGEST_TITLE} characters.")
