"""What the clipboard or a drag brings: files, or text."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import QMimeData
from PySide6.QtGui import QTextDocumentFragment

_OBJECT: Final = "\ufffc"
"""Stands for a picture."""


def files_of(data: QMimeData) -> list[Path]:
    """Files of this computer, where that is what is brought; their addresses are no text that anybody wants."""
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]


def text_of(data: QMimeData) -> str:
    """The text; that of a formatted one where nothing else is there."""
    if data.hasText() or not data.hasHtml():
        return data.text()
    return QTextDocumentFragment.fromHtml(data.html()).toPlainText().replace(_OBJECT, "")
