"""Titles of documents: made of the beginning of the text, or given by a person."""

from __future__ import annotations

from typing import Final

from gptdesk.errors import UserError

UNTITLED: Final = "Untitled"
LONGEST_TITLE: Final = 120
"""Characters of a title that a person gives."""

LOOKED_AT: Final = 2000
"""Characters of a text that its title may depend on."""

_TITLE_LENGTH: Final = 48
_ENDS: Final = (".", "!", "?", "…")
_CLOSING: Final = "\"'”’»)"


def title_of(text: str) -> str:
    """The beginning of the first line that is not empty, as one line; an ellipsis says where a sentence was cut."""
    line = next((line for line in text[:LOOKED_AT].splitlines() if line.strip()), UNTITLED)
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
