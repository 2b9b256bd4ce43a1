"""Saves a document's text as a plain file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from PySide6.QtWidgets import QFileDialog, QWidget

from gptdesk.gpt2.errors import UserError
from gptdesk.store.document import Document
from gptdesk.store.files import write_atomic
from gptdesk.ui.messages import Messages

_TOPIC: Final = "save as text"


def save_text(parent: QWidget, document: Document, messages: Messages) -> None:
    """Asks for a place and writes the text there; says what went wrong if it cannot be written."""
    place = str(Path.home() / f"{file_name(document.title)}.txt")
    path, _ = QFileDialog.getSaveFileName(parent, "Save as text", place, "Text (*.txt);;All files (*)")
    if not path:
        return
    try:
        write_atomic(Path(path), document.text.encode("utf-8"))
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
