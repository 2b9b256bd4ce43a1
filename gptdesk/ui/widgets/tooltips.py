"""Tooltips that are wrapped: Qt shows plain text in one line, however wide the screen is not."""

from __future__ import annotations

import html


def wrapped(text: str) -> str:
    """The text as a tooltip that Qt wraps; its own line ends stay."""
    return f"<qt>{html.escape(text).replace(chr(10), '<br>')}</qt>" if text else ""
