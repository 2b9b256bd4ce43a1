"""Leaves the clipboard in order when the program ends."""

from __future__ import annotations

import shiboken6
from PySide6.QtGui import QClipboard, QGuiApplication


def release_clipboard() -> None:
    """Replaces data that Python made, such as text copied from the editor, by the same text in an object of Qt's.

    The clipboard deletes what it holds after the interpreter has ended, and an object made in Python would call into
    it then: the process died on exit.
    """
    clipboard = QGuiApplication.clipboard()
    for mode in (QClipboard.Mode.Clipboard, QClipboard.Mode.Selection):
        data = clipboard.mimeData(mode)
        if data is not None and shiboken6.createdByPython(data):
            clipboard.setText(data.text(), mode)
