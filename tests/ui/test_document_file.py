"""What the window does with a documents' file that is damaged, old or of a newer version."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from gptdesk.folders import Folders
from gptdesk.store.backups.copies import back_up
from gptdesk.store.database import Database
from gptdesk.store.document import Document
from gptdesk.store.migrations import SCHEMA, backup_path, version_of
from gptdesk.store.settings import Settings
from gptdesk.store.settings_file import SettingsFile
from tests.store.test_migrations import VERSION_1

from .conftest import Opened


@pytest.fixture
def path(folders: Folders) -> Path:
    folders.data.mkdir(parents=True, exist_ok=True)
    return folders.data / "documents.sqlite"


def save(path: Path, folders: Folders, text: str) -> str:
    """Saves a document, which the window opens next."""
    document = Document()
    document.replace(0, 0, text)
    with closing(Database(path)) as database:
        database.save(document.snapshot())
    SettingsFile(folders.config / "settings.json").save(Settings(document=document.id))
    return document.id


def banner(opened: Opened, words: str) -> Any:
    return next(message for message in opened.services.messages.banners.values() if words in message.text)


def titles(opened: Opened) -> list[str]:
    return [entry.title for entry in opened.window.documents.entries()]


def test_a_damaged_file_is_set_aside_and_its_newest_backup_is_a_button_away(
    open_window: Callable[..., Opened], path: Path, folders: Folders, qtbot: QtBot
) -> None:
    id = save(path, folders, "Once upon a time")
    assert back_up(path) is not None
    damaged = b"somebody's bytes" + path.read_bytes()[16:]
    path.write_bytes(damaged)
    opened = open_window()
    message = banner(opened, "was damaged; it was set aside as")
    assert "The newest backup was made on" in message.text
    assert titles(opened) == []
    ((title, restore),) = message.offers
    assert title == "Restore from backup"
    restore()
    qtbot.waitUntil(lambda: titles(opened) == ["Once upon a time"])
    qtbot.waitUntil(lambda: any("1 document restored" in text for text in opened.window.toasts.texts))
    opened.window.documents.open(id)
    assert opened.window.session.document.text == "Once upon a time"
    restore()
    qtbot.waitUntil(lambda: any("has nothing that is missing here" in text for text in opened.window.toasts.texts))
    assert titles(opened) == ["Once upon a time"]
    (aside,) = path.parent.glob("documents.sqlite.unreadable-*")
    assert aside.read_bytes() == damaged


def test_a_damaged_file_without_a_backup_offers_none(open_window: Callable[..., Opened], path: Path) -> None:
    path.write_bytes(b"somebody's bytes")
    opened = open_window()
    assert banner(opened, "was damaged; it was set aside as").offers == ()


def test_the_window_keeps_a_daily_copy(
    open_window: Callable[..., Opened], path: Path, folders: Folders, qtbot: QtBot
) -> None:
    save(path, folders, "Once upon a time")
    open_window()
    qtbot.waitUntil(lambda: bool(list(path.parent.glob("documents.sqlite.backup-*"))))


def test_documents_of_version_1_are_there_and_their_file_is_kept(
    open_window: Callable[..., Opened], path: Path
) -> None:
    shutil.copy(VERSION_1, path)
    opened = open_window()
    assert opened.services.messages.banners == {}
    assert titles(opened) == ["The old lighthouse keeper.", "Es war einmal 😀 ein König"]
    opened.window.documents.open("first")
    opened.window.playground.editor.replace_selection("Ach! ")
    opened.window.session.flush()
    assert "Ach! " in opened.window.session.document.text
    opened.close()
    for file, version in ((path, SCHEMA), (backup_path(path, 1), 1)):
        with closing(sqlite3.connect(file)) as db:
            assert version_of(db) == version


@pytest.fixture
def newer(open_window: Callable[..., Opened], path: Path, folders: Folders) -> Opened:
    """A window whose documents a newer version wrote."""
    save(path, folders, "From the future")
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"pragma user_version = {SCHEMA + 1}")
    return open_window()


def test_documents_of_a_newer_version_are_shown_and_every_change_is_refused(newer: Opened, path: Path) -> None:
    before = path.read_bytes()
    window, editor = newer.window, newer.window.playground.editor
    assert banner(newer, "can be read, copied and exported here, but not changed")

    def is_refused() -> bool:
        refused = any("cannot be changed here" in text for text in window.banners.texts)
        newer.services.messages.solve(*newer.services.messages.banners)
        return refused and editor.shown == window.session.document.text == "From the future"

    QTest.keyClicks(editor, "x")
    assert is_refused()
    editor.replace_selection("pasted")
    assert is_refused()
    window.playground.generate.trigger()
    assert not window.session.busy
    assert is_refused()
    window.documents.rename(window.session.document.id, "Mine")
    assert is_refused()
    window.documents.delete_current()
    assert is_refused()
    assert titles(newer) == ["From the future"]
    newer.close()
    assert path.read_bytes() == before


def test_documents_of_a_newer_version_can_be_copied_and_exported(
    newer: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = newer.window.playground.editor
    editor.selectAll()
    editor.copy()
    assert QApplication.clipboard().text() == "From the future"
    target = tmp_path / "text.txt"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    newer.window.files.save_as()
    assert target.read_text() == "From the future"
