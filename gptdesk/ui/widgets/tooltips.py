"""Tooltips that wrap: Qt shows plain text in one line, however long it is."""

from __future__ import annotations

from typing import Final

_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;", "\n": "<br>"})
"""`html.escape` would import a table of all entities at every start."""


def wrapped(text: str) -> str:
    """The text as rich text, which Qt wraps in tooltips; line ends are kept."""
    return f"<qt>{escaped(text)}</qt>" if text else ""


def escaped(text: str) -> str:
    """The text as a part of rich text; line ends are kept."""
    return text.translate(_ESCAPES)
