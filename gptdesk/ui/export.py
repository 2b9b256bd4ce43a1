"""Saves a document's text as a plain file, and all that is on disk of one that is damaged."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from PySide6.QtWidgets import QFileDialog, QWidget

from gptdesk.gpt2.errors import UserError
from gptdesk.store.document import Document
from gptdesk.store.files import write_atomic
from gptdesk.ui.messages import Messages
from gptdesk.ui.storage import Storage

_TOPIC: Final = "save as text"


def save_text(parent: QWidget, document: Document, messages: Messages) -> None:
    """Asks for a place and writes the text there; says what went wrong if it cannot be written."""
    place = str(Path.home() / f"{file_name(document.title)}.txt")
    path, _ = QFileDialog.getSaveFileName(parent, "Save as text", place, "Text (*.txt);;All files (*)")
    if not path:
        return
    _write(Path(path), document.text.encode("utf-8"), messages)


def save_raw(parent: QWidget, storage: Storage, id: str, messages: Messages) -> None:
    """Asks for a place and writes there what is on disk of the document of that id, as JSON."""
    path, _ = QFileDialog.getSaveFileName(
        parent, "Export all of it", str(Path.home() / "document.json"), "JSON (*.json)"
    )
    if not path:
        return
    try:
        content = storage.export_raw(id)
    except UserError as error:
        messages.show(str(error), topic=_TOPIC)
        return
    _write(Path(path), content or b"", messages)


def discard_damaged(storage: Storage, id: str, messages: Messages) -> None:
    """Gives up what cannot be read of the document of that id."""
    try:
        storage.discard_damaged(id)
    except UserError as error:
        messages.show(str(error), topic=_TOPIC)
    else:
        messages.toast("What was damaged of the document is gone; the rest is kept.")


def _write(path: Path, content: bytes, messages: Messages) -> None:
    try:
        write_atomic(path, content)
    except OSError as error:
        messages.show(f"The text cannot be saved to {path} ({error.strerror}); choose another place.", topic=_TOPIC)
    except UserError as error:
        messages.show(str(error), topic=_TOPIC)
    else:
        messages.solve(_TOPIC)
        messages.toast(f"Saved as {path}.")


def file_name(title: str) -> str:
    """A name that every system takes."""
    return re.sub(r'[\\/:*?"<>|\x00-\x1f]+', " ", title).strip(" .") or "text"
