"""Files of earlier versions: opened as they were, kept beside, and never half changed."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gptdesk.errors import UserError
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.store import migrations
from gptdesk.store.database import Database
from gptdesk.store.document import Document
from gptdesk.store.migrations import SCHEMA, backup_path
from gptdesk.store.opening import open_or_replace

VERSION_1 = Path(__file__).parent / "data" / "documents-schema-1.sqlite"
"""Written by the gptdesk that had version 1: "first" with two generations, one of them undone, and "second"."""

VERSION_3 = Path(__file__).parent / "data" / "documents-schema-3.sqlite"
"""Written by the gptdesk that had version 3: the same, "first" with title, settings and file; "gone" was deleted."""

VERSION_4 = Path(__file__).parent / "data" / "documents-schema-4.sqlite"
"""Written by the gptdesk that had version 4: "tree" with two generations as branches, tags and a pin."""

VERSION_5 = Path(__file__).parent / "data" / "documents-schema-5.sqlite"
"""Written by the gptdesk that had version 5: "talk", a chat with two versions of its second turn, one bookmarked."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return Path(shutil.copy(VERSION_1, tmp_path / "documents.sqlite"))


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return migrations.version_of(connection)


def contents(path: Path) -> list[list[Any]]:
    """All rows, with the columns that version 1 had."""
    columns = {
        "documents": "id, title, created, modified, leaf",
        "nodes": "document, id, parent, text, first, origin",
        "tokens": "*",
    }
    with closing(sqlite3.connect(path)) as connection:
        return [connection.execute(f"select {columns[name]} from {name}").fetchall() for name in columns]


def test_documents_of_version_1_are_there_and_can_be_changed(path: Path) -> None:
    before = contents(path)
    database, problems = open_or_replace(path)
    assert problems == []
    assert [(entry.id, entry.title) for entry in database.entries()] == [
        ("second", "The old lighthouse keeper."),
        ("first", "Es war einmal 😀 ein König"),
    ]
    snapshot = database.load("first")
    assert snapshot is not None
    assert (snapshot.created, snapshot.own_title, snapshot.decoding, snapshot.file) == (1.7e9, None, None, None)
    document = Document(snapshot)
    assert document.text == "Es war einmal 😀 ein König"
    assert [token.id for token in document.runs[1].tokens] == [7, 8]
    assert document.runs[1].origin is not None
    assert document.runs[1].origin.settings == DecodingSettings(temperature=0.5, stop=("\n",))
    assert len(snapshot.nodes) == 3
    assert contents(path) == before
    document.own_title = "König"
    database.save(document.snapshot())
    assert database.entries()[0].title == "König"
    database.close()
    assert version(path) == SCHEMA


def test_documents_of_version_3_are_there_and_found_by_their_text(tmp_path: Path) -> None:
    path = Path(shutil.copy(VERSION_3, tmp_path / "documents.sqlite"))
    before = contents(path)
    database, problems = open_or_replace(path)
    assert problems == []
    assert version(backup_path(path, 3)) == 3
    assert contents(backup_path(path, 3)) == before
    entries = {entry.id: entry for entry in database.entries()}
    assert {id: (entry.title, entry.pinned, entry.tags) for id, entry in entries.items()} == {
        "first": ("Märchen", False, ()),
        "second": ("The old lighthouse keeper.", False, ()),
    }
    assert database.load("gone") is None
    assert database.catalog.entries(trashed=True) == []
    first = database.open("first")
    assert first is not None
    assert (first.problem, first.place) == ("", None)
    document = Document(first.snapshot)
    assert document.text == "Es war einmal 😀 eine Königin"
    assert (document.decoding, document.file) == (DecodingSettings(temperature=0.3), "/somewhere/é.txt")
    assert [match.id for match in database.catalog.search(["konigin"])] == ["first"]
    assert [match.id for match in database.catalog.search(["light", "old"])] == ["second"]
    database.catalog.set_tags("second", ["sea"])
    document.replace(0, 0, "Und ")
    database.save(document.snapshot())
    assert [entry.tags for entry in database.entries()] == [(), ("sea",)]
    database.close()


def test_documents_of_version_4_are_there_and_take_bookmarks(tmp_path: Path) -> None:
    path = Path(shutil.copy(VERSION_4, tmp_path / "documents.sqlite"))
    before = contents(path)
    database, problems = open_or_replace(path)
    assert problems == []
    assert contents(backup_path(path, 4)) == before
    document = Document(database.load("tree"))
    assert document.text == "Es war einmal 😀 eine Königin"
    (fork,) = document.forks
    assert (len(fork.branches), fork.shown) == (2, 1)
    document.set_bookmark(fork.branches[0], "König")
    database.save(document.snapshot())
    opened = database.open("tree")
    assert opened is not None
    assert opened.problem == ""
    assert opened.snapshot == document.snapshot()
    assert [(entry.pinned, entry.tags) for entry in database.entries()] == [(True, ("sea",))]
    database.close()


def test_chats_of_version_5_are_there_and_take_a_template(tmp_path: Path) -> None:
    path = Path(shutil.copy(VERSION_5, tmp_path / "documents.sqlite"))
    before = contents(path)
    database, problems = open_or_replace(path)
    assert problems == []
    assert contents(backup_path(path, 5)) == before
    document = Document(database.load("talk"))
    assert (document.mixed.spelled, document.chat_template) == ("User: Hello\nAssistant: Go away", None)
    document.chat_template = "chatml"
    database.save(document.snapshot())
    opened = database.open("talk")
    assert opened is not None
    assert (opened.problem, opened.snapshot) == ("", document.snapshot())
    assert [(entry.title, entry.tags) for entry in database.entries()] == [("Hello", ("chat",))]
    copy = database.load(database.catalog.duplicate("talk") or "")
    assert copy is not None
    assert copy.chat_template == "chatml"
    database.close()


def test_the_file_as_it_was_is_kept_beside(path: Path) -> None:
    before = contents(path)
    Database(path).close()
    copy = backup_path(path, 1)
    assert version(copy) == 1
    assert contents(copy) == before
    made = copy.stat().st_mtime_ns
    Database(path).close()
    assert copy.stat().st_mtime_ns == made


def test_a_step_that_fails_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(path)
    monkeypatch.setattr(migrations, "STEPS", (*migrations.STEPS[:1], migrations.STEPS[1] + "; create tabel x (y)"))
    with pytest.raises(UserError):
        Database(path)
    assert version(path) == 1
    assert contents(path) == before


def test_a_copy_that_cannot_be_made_leaves_the_file_alone_and_the_documents_readable(path: Path) -> None:
    backup_path(path, 1).mkdir()
    before = contents(path)
    database, (problem,) = open_or_replace(path)
    assert problem.endswith("start gptdesk again.")
    assert [entry.id for entry in database.entries()] == ["second", "first"]
    database.save(Document(database.load("second")).snapshot())
    database.close()
    assert version(path) == 1
    assert contents(path) == before


def test_a_new_file_needs_no_copy(tmp_path: Path) -> None:
    path = tmp_path / "documents.sqlite"
    Database(path).close()
    assert version(path) == SCHEMA
    assert not list(tmp_path.glob("*.version-*"))


def test_every_step_leads_to_the_same_tables_as_all_of_them(path: Path, tmp_path: Path) -> None:
    Database(path).close()
    new = tmp_path / "new.sqlite"
    Database(new).close()

    def tables(file: Path) -> set[tuple[str, ...]]:
        with closing(sqlite3.connect(file)) as connection:
            names = [row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")]
            return {
                (name, *map(str, row)) for name in names for row in connection.execute(f"pragma table_info({name})")
            }

    assert tables(path) == tables(new)
