"""Files that the desktop or the command line gives are opened on the page that accepts them."""

from collections.abc import Callable
from pathlib import Path

from pytestqt.qtbot import QtBot

from gptdesk.ui.models.import_dialog import ImportDialog

from .conftest import Opened


def test_a_text_becomes_a_document_and_a_model_is_offered_for_import(
    open_window: Callable[..., Opened], qtbot: QtBot, tmp_path: Path, tiny_model_folder: Path
) -> None:
    window = open_window(None).window
    text = tmp_path / "notes.md"
    text.write_text("A fox came by.", encoding="utf-8")
    window.open_files([text, tiny_model_folder / "model.safetensors"])
    qtbot.waitUntil(lambda: window.session.document.text == "A fox came by.")
    qtbot.waitUntil(lambda: window.models is not None and window.models.findChild(ImportDialog) is not None)
    window.models.findChild(ImportDialog).reject()


def test_what_no_page_opens_is_named(open_window: Callable[..., Opened], tmp_path: Path) -> None:
    opened = open_window(None)
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"\x89PNG")
    opened.window.open_files([picture])
    opened.window.open_files([tmp_path / "gone.txt"])
    told = [message.text for message in opened.services.messages.banners.values()]
    assert told == ["picture.png: neither a text nor a model that gptdesk can open.", "gone.txt: not found."]
