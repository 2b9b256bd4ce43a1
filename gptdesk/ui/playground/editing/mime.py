"""Text with special tokens as data of the clipboard and of dragging, and plain text of other programs."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QMimeData
from PySide6.QtGui import QTextDocumentFragment

from gptdesk.gpt2.mixed_text import PLACEHOLDER, MixedText, parse_delimited

_FORMAT: Final = "application/x-gptdesk-text"
"""UTF-8 text as `MixedText.delimited` has it."""


def data_of(mixed: MixedText) -> QMimeData:
    """The text for other programs, in which special tokens are spelled, and for this one."""
    data = QMimeData()
    data.setText(mixed.spelled)
    if mixed.names:
        data.setData(_FORMAT, mixed.delimited.encode("utf-8", "replace"))
    return data


def mixed_of(data: QMimeData) -> MixedText:
    """The text with its special tokens where this program put it there, else the plain text."""
    if data.hasFormat(_FORMAT):
        return parse_delimited(bytes(data.data(_FORMAT).data()).decode("utf-8", "replace"))
    return MixedText(_text_of(data).replace(PLACEHOLDER, "\ufffd"))


def _text_of(data: QMimeData) -> str:
    """The plain text; without one, that of the HTML."""
    if data.hasText() or not data.hasHtml():
        return data.text()
    return QTextDocumentFragment.fromHtml(data.html()).toPlainText().replace(PLACEHOLDER, "")  # of a picture
