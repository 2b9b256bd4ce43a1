"""Reads the text of dragged or pasted data."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QMimeData
from PySide6.QtGui import QTextDocumentFragment

_OBJECT: Final = "\ufffc"
"""Qt's placeholder for a picture."""


def text_of(data: QMimeData) -> str:
    """The plain text; without one, that of the HTML."""
    if data.hasText() or not data.hasHtml():
        return data.text()
    return QTextDocumentFragment.fromHtml(data.html()).toPlainText().replace(_OBJECT, "")
