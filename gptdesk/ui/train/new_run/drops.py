"""What is in a drop."""

from __future__ import annotations

from PySide6.QtCore import QMimeData


def dropped_paths(data: QMimeData) -> list[str]:
    """The files and folders on this computer in it."""
    return [path for url in data.urls() if (path := url.toLocalFile())]
