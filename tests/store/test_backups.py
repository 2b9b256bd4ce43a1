"""Copies of the documents' database: made daily, and restored without overwriting anything."""

import os
import shutil
import sqlite3
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from gptdesk.errors import UserError
from gptdesk.store import migrations
from gptdesk.store.backups.copies import KEPT, back_up, backups
from gptdesk.store.database import Database
from gptdesk.store.document import Document
from gptdesk.store.opening import open_or_replace

from .test_migrations import VERSION_1


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "documents.sqlite"


def save(path: Path, *texts: str) -> list[str]:
    """Saves a document of each text and returns their ids."""
    database = Database(path)
    documents = [Document() for _ in texts]
    for document, text in zip(documents, texts, strict=True):
        document.replace(0, 0, text)
        database.save(document.snapshot())
    database.close()
    return [document.id for document in documents]


def texts(database: Database) -> set[str]:
    return {Document(database.load(entry.id)).text for entry in database.entries()}


def grow_old(backup: Path, days: float) -> None:
    moment = time.time() - days * 86_400
    os.utime(backup, (moment, moment))


def test_a_copy_is_made_once_a_day_and_the_newest_are_kept(path: Path) -> None:
    save(path, "Once")
    first = back_up(path)
    assert first is not None
    assert back_up(path) is None
    for day in range(KEPT + 2):
        for number, backup in enumerate(backups(path)):
            older = backup.path.with_name(f"{path.name}.backup-2026010{day}{number}")
            backup.path.rename(older)
            grow_old(older, number + 1)
        assert back_up(path) is not None
    found = backups(path)
    assert len(found) == KEPT
    assert found[0].made > time.time() - 3600
    with closing(Database(found[0].path)) as copy:
        assert texts(copy) == {"Once"}


def test_a_second_copy_of_one_day_replaces_the_first_and_no_other(path: Path) -> None:
    save(path, "Once")
    for day in range(KEPT):
        copy = back_up(path)
        assert copy is not None
        grow_old(copy, day + 1)
        if day < KEPT - 1:
            copy.rename(copy.with_name(f"{path.name}.backup-2026010{day}"))
    assert back_up(path) == copy
    assert len(backups(path)) == KEPT


def test_a_backup_that_is_restored_twice_adds_what_differs_once(path: Path) -> None:
    (id,) = save(path, "as it was")
    backup = back_up(path)
    assert backup is not None
    with closing(Database(path)) as database:
        document = Document(database.load(id))
        document.replace(0, 0, "not ")
        database.save(document.snapshot())
        assert database.add_from(backup) == 1
        (copy,) = [entry.id for entry in database.entries() if entry.id != id]
        assert database.add_from(backup) == 0
        edited = Document(database.load(copy))
        edited.replace(0, 0, "nearly ")
        database.save(edited.snapshot())
        assert database.add_from(backup) == 0
        assert texts(database) == {"not as it was", "nearly as it was"}
        database.delete(copy)
        assert database.add_from(backup) == 1


def test_the_index_is_not_forgotten_while_another_thread_updates_it(path: Path) -> None:
    save(path, "Once")
    with closing(Database(path)) as database:
        forgetting = threading.Thread(target=database.catalog.forget_index)
        with database._reading():
            forgetting.start()
            forgetting.join(0.2)
            assert forgetting.is_alive()
        forgetting.join()
        assert len(database.catalog.search(["once"])) == 1


def test_what_is_empty_or_damaged_is_not_copied(path: Path) -> None:
    Database(path).close()
    assert back_up(path) is None
    save(path, "x" * 100_000)
    data = bytearray(path.read_bytes())
    data[8192:12288] = b"\xff" * 4096
    path.write_bytes(data)
    with suppress(UserError):  # whether the page is needed to open the file is SQLite's business
        assert back_up(path) is None
    assert backups(path) == []


def test_a_copy_is_made_while_the_database_is_open_and_written(path: Path) -> None:
    (id,) = save(path, "Once")
    database = Database(path)
    document = Document(database.load(id))
    document.replace(4, 4, " upon")
    database.save(document.snapshot())
    copy = back_up(path)
    database.close()
    assert copy is not None
    with closing(Database(copy)) as opened:
        assert texts(opened) == {"Once upon"}


def test_a_backup_adds_what_is_missing_and_copies_of_what_differs(path: Path) -> None:
    same, changed, gone = save(path, "same", "as it was", "gone")
    backup = back_up(path)
    assert backup is not None
    database = Database(path)
    database.delete(gone)
    document = Document(database.load(changed))
    document.replace(0, 0, "not ")
    database.save(document.snapshot())
    assert database.add_from(backup) == 2
    assert texts(database) == {"same", "not as it was", "as it was", "gone"}
    titles = {entry.title for entry in database.entries()}
    assert "as it was (backup)" in titles
    assert Document(database.load(same)).text == "same"
    assert [match.id for match in database.catalog.search(["gone"])] == [gone]
    database.close()


def test_a_copy_of_what_differs_has_no_file_to_overwrite(path: Path, tmp_path: Path) -> None:
    (id,) = save(path, "as it was")
    database = Database(path)
    document = Document(database.load(id))
    document.file = str(tmp_path / "story.txt")
    database.save(document.snapshot())
    backup = back_up(path)
    assert backup is not None
    document.replace(0, 0, "not ")
    database.save(document.snapshot())
    assert database.add_from(backup) == 1
    files = {
        Document(snapshot).text: snapshot.file for one in database.entries() if (snapshot := database.load(one.id))
    }
    assert files == {"not as it was": document.file, "as it was": None}
    database.close()


@pytest.mark.parametrize("damage", ["no database", "damaged page", "newer", "missing"])
def test_a_backup_that_cannot_be_read_is_refused_by_its_name(path: Path, damage: str) -> None:
    save(path, "x" * 100_000)
    backup = back_up(path)
    assert backup is not None
    data = bytearray(backup.read_bytes())
    if damage == "no database":
        backup.write_bytes(b"somebody's bytes" + data[16:])
    elif damage == "damaged page":
        data[8192:] = b"\xff" * (len(data) - 8192)
        backup.write_bytes(data)
    elif damage == "newer":
        with closing(sqlite3.connect(backup)) as db:
            db.execute(f"pragma user_version = {migrations.SCHEMA + 1}")
    else:
        backup.unlink()
    with closing(Database(path)) as database:
        with pytest.raises(UserError, match=f"The backup .*{backup.name} is damaged"):
            database.add_from(backup)
        assert texts(database) == {"x" * 100_000}


def test_a_copy_that_cannot_be_written_is_said_to_be_the_daily_one(path: Path) -> None:
    save(path, "Once")
    for day in range(2):  # midnight may pass
        moment = time.localtime(time.time() + day * 86_400)
        path.with_name(f"{path.name}.backup-{time.strftime('%Y%m%d', moment)}").mkdir()
    with pytest.raises(UserError, match="daily copy of your documents cannot be made"):
        back_up(path)


def test_a_backup_of_version_1_is_restored(path: Path, tmp_path: Path) -> None:
    backup = Path(shutil.copy(VERSION_1, tmp_path / "documents.sqlite.version-1"))
    before = backup.read_bytes()
    assert [one.path for one in backups(path)] == [backup]
    database = Database(path)
    assert database.add_from(backup) == 2
    assert "Es war einmal 😀 ein König" in texts(database)
    database.close()
    assert backup.read_bytes() == before


def test_a_damaged_database_is_set_aside_and_its_newest_backup_known(path: Path) -> None:
    save(path, "Once")
    backup = back_up(path)
    older = path.with_name(f"{path.name}.version-3")
    shutil.copy(path, older)
    grow_old(older, 3)
    data = path.read_bytes()
    path.write_bytes(b"somebody's bytes" + data[16:])
    database, problems = open_or_replace(path)
    assert database.was_damaged
    assert "set aside" in problems[0]
    assert backups(path)[0].path == backup
    assert backup is not None
    assert database.add_from(backup) == 1
    assert texts(database) == {"Once"}
    database.close()
    (aside,) = path.parent.glob("documents.sqlite.unreadable-*")
    assert aside.read_bytes().startswith(b"somebody's bytes")


def test_documents_of_a_newer_version_are_read_and_nothing_changes_them(path: Path) -> None:
    (id,) = save(path, "From the future")
    with closing(sqlite3.connect(path)) as db:
        db.execute("alter table documents add column colour text")
        db.execute(f"pragma user_version = {migrations.SCHEMA + 1}")
    before = path.read_bytes()
    database, problems = open_or_replace(path)
    assert "can be read, copied and exported here, but not changed" in problems[0]
    assert texts(database) == {"From the future"}
    with pytest.raises(UserError, match="cannot be changed here"):
        database.catalog.rename(id, "Mine")
    with pytest.raises(UserError, match="cannot be changed here"):
        database.delete(id)
    document = Document(database.load(id))
    document.replace(0, 4, "To")
    database.save(document.snapshot())
    assert texts(database) == {"From the future"}
    assert [match.id for match in database.catalog.search(["future"])] == [id]
    database.close()
    assert path.read_bytes() == before
