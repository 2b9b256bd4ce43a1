"""Text that is dragged or pasted."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QMimeData
from PySide6.QtGui import QTextDocumentFragment

_OBJECT: Final = "\ufffc"
"""Stands for a picture."""


def text_of(data: QMimeData) -> str:
    """The text; that of a formatted one where nothing else is there."""
    if data.hasText() or not data.hasHtml():
        return data.text()
    return QTextDocumentFragment.fromHtml(data.html()).toPlainText().replace(_OBJECT, "")
