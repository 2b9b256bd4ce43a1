"""Documents on disk: as they were after a restart, a crash, a full disk and a damaged file."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from gptdesk.errors import UserError
from gptdesk.inference.events import Alternative
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.store import database as module
from gptdesk.store import migrations
from gptdesk.store.database import Database
from gptdesk.store.document import Document
from gptdesk.store.opening import open_or_replace
from gptdesk.store.runs import Origin, Token


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data with spaces" / "documents.sqlite"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    opened = Database(path)
    yield opened
    opened.close()


def token(id: int, length: int = 1) -> Token:
    return Token(id, length, -0.25, (Alternative(id, "é", -0.25), Alternative(1, "\n", -3.5)), 2.5)


def written(count: int = 3) -> Document:
    """A document of both kinds of runs, with a branch."""
    document = Document()
    document.replace(0, 0, "Es war einmal 😀")
    settings = DecodingSettings(temperature=0.5, stop=("\n",), logit_bias={3: -100})
    for _ in range(2):
        document.begin_generation(Origin(generation=os.urandom(4).hex(), model="tiny", settings=settings))
        document.append_tokens("x" * count, [token(id) for id in range(count)])
        document.end_generation("length", seed=2**63 - 1)
        document.undo()
    document.redo()
    return document


def load(path: Path, id: str) -> Document:
    database = Database(path)
    try:
        snapshot = database.load(id)
        assert snapshot is not None
        return Document(snapshot)
    finally:
        database.close()


@pytest.mark.parametrize(
    ("kept", "precision", "backend"), [("int8 (numba)", "int8", "numba"), ("bfloat16", "bfloat16", "")]
)
def test_precision_and_backend_that_were_kept_in_one_field_are_read_as_two(
    database: Database, path: Path, kept: str, precision: str, backend: str
) -> None:
    document = Document()
    document.begin_generation(Origin(generation="g", model="tiny", precision=kept))
    document.append_tokens("x", [token(1)])
    document.end_generation("length", seed=1)
    database.save(document.snapshot())
    (run,) = load(path, document.id).runs
    assert run.origin is not None
    assert (run.origin.precision, run.origin.backend) == (precision, backend)


def test_a_document_comes_back_whole(database: Database, path: Path) -> None:
    document = written()
    database.save(document.snapshot())
    loaded = load(path, document.id)
    assert loaded.runs == document.runs
    assert loaded.snapshot().nodes == document.snapshot().nodes
    assert loaded.title == document.title
    assert loaded.created == document.created


@settings(max_examples=30, deadline=None)
@given(edits=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), st.text(max_size=5)), max_size=12))
def test_saving_after_every_edit_equals_saving_once(edits: list[tuple[int, int, str]]) -> None:
    database = Database(None)
    document = written(30)
    for start, end, text in edits:
        start, end = sorted((min(start, len(document.text)), min(end, len(document.text))))
        document.replace(start, end, text)
        database.save(document.snapshot())
        snapshot = database.load(document.id)
        assert snapshot is None or snapshot.nodes == document.snapshot().nodes
        assert snapshot is not None or not document.text
    database.close()


def test_tokens_of_earlier_versions_open_without_an_entropy(database: Database, path: Path) -> None:
    document = written()
    database.save(document.snapshot())
    database.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("update tokens set tokens = replace(tokens, ']],2.5]', ']]]')")
        rows = connection.execute("select tokens from tokens").fetchall()
    assert all("2.5" not in row[0] and "-3.5" in row[0] for row in rows)
    reopened = Database(path)
    opened = reopened.open(document.id)
    reopened.close()
    assert opened is not None
    assert opened.problem == ""
    tokens = [each for run in Document(opened.snapshot).runs for each in run.tokens]
    assert tokens == [replace(token(id), entropy=None) for id in range(3)]


@pytest.mark.parametrize("entropy", [float("nan"), float("inf"), -1e-9, None])
def test_an_entropy_that_is_no_number_costs_no_token(database: Database, path: Path, entropy: float | None) -> None:
    document = Document()
    document.begin_generation(Origin(generation="g", model="tiny"))
    document.append_tokens("x", [replace(token(1), entropy=entropy)])
    document.end_generation("length", seed=1)
    database.save(document.snapshot())
    assert load(path, document.id).runs[0].tokens[0].entropy in (None, 0.0)


def test_alternatives_are_read_when_they_are_asked_for(database: Database, path: Path) -> None:
    document = written()
    database.save(document.snapshot())
    tokens = load(path, document.id).runs[-1].tokens
    assert [type(each.kept_top) for each in tokens] == [msgspec.Raw] * 3
    assert [each.top for each in tokens] == [token(id).top for id in range(3)]


def test_damaged_alternatives_cost_only_themselves_and_stay_in_the_file(database: Database, path: Path) -> None:
    document = written()
    database.save(document.snapshot())
    database.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute('update tokens set tokens = replace(tokens, \'[0,"é",-0.25]\', \'["?","é",7]\')')
    reopened = Database(path)
    opened = reopened.open(document.id)
    assert opened is not None
    assert opened.problem == ""
    changed = Document(opened.snapshot)
    assert [each.top for each in changed.runs[-1].tokens] == [(), token(1).top, token(2).top]
    changed.replace(len(changed.text) - 1, len(changed.text), "")
    reopened.save(changed.snapshot())
    (rows,) = reopened._connection.execute("select tokens from tokens where node = ?", (changed.snapshot().leaf,))
    reopened.close()
    assert rows[0].startswith('[[0,1,-0.25,[["?","é",7],[1,"\\n",-3.5]],2.5],[1,')


def test_a_growing_run_writes_only_its_last_tokens(database: Database) -> None:
    document = Document()
    document.begin_generation(Origin(generation="g", model="tiny"))
    document.append_tokens("x" * 1000, [token(0) for _ in range(1000)])
    database.save(document.snapshot())
    before = database._connection.total_changes
    document.append_tokens("x", [token(0)])
    database.save(document.snapshot())
    assert database._connection.total_changes - before == 3  # document, node, last chunk


def test_the_list_shows_the_newest_first_and_no_empty_document(database: Database) -> None:
    first, second, empty = written(), written(), Document()
    for document in (first, second, empty, first):
        database.save(document.snapshot())
    assert [entry.id for entry in database.entries()] == [first.id, second.id]
    first.replace(0, len(first.text), "")
    assert [entry.title for entry in database.entries()[:1]] == ["Es war einmal 😀xxx"]


def test_killed_while_writing_it_keeps_what_was_saved(path: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from gptdesk.store.database import Database
from gptdesk.store.document import Document
database = Database(Path({str(path)!r}))
document = Document()
document.id = "one"
while True:
    document.replace(0, 0, "a" * 5000)
    database.save(document.snapshot())
    print(len(document.text), flush=True)
"""
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert child.stdout
    sizes = [int(child.stdout.readline()) for _ in range(5)]
    child.send_signal(signal.SIGKILL)
    child.wait()
    sizes += [int(line) for line in child.stdout]
    child.stdout.close()
    assert len(load(path, "one").text) >= sizes[-1]


def test_a_damaged_file_is_set_aside_and_not_lost(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database at all, but somebody's bytes" * 100)
    database, problems = open_or_replace(path)
    document = written()
    database.save(document.snapshot())
    database.close()
    assert len(problems) == 1
    assert "set aside" in problems[0]
    (aside,) = path.parent.glob("documents.sqlite.unreadable-*")
    assert b"somebody's bytes" in aside.read_bytes()
    assert load(path, document.id).text == document.text


def test_a_file_of_a_newer_version_is_left_alone(path: Path) -> None:
    Database(path).close()
    connection = sqlite3.connect(path)
    connection.execute(f"pragma user_version = {migrations.SCHEMA + 1}")
    connection.close()
    before = path.read_bytes()
    database, problems = open_or_replace(path)
    database.save(written().snapshot())
    database.close()
    assert "newer gptdesk" in problems[0]
    assert path.read_bytes() == before


def test_documents_that_can_only_be_read_are_there_all_the_same(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = written()
    database = Database(path)
    database.save(document.snapshot())
    database.close()
    # Root may write anything, so the refusal comes from SQLite itself.
    connect = sqlite3.connect

    def read_only(name: object, **options: object) -> sqlite3.Connection:
        if isinstance(name, Path):
            return connect(f"{name.absolute().as_uri()}?mode=ro", **{**options, "uri": True})
        return connect(name, **options)

    monkeypatch.setattr(module.sqlite3, "connect", read_only)
    connection = connect(path)
    connection.execute("pragma journal_mode = delete")
    connection.close()
    database, problems = open_or_replace(path)
    assert "readonly" in problems[0]
    snapshot = database.load(document.id)
    assert snapshot is not None
    assert Document(snapshot).text == document.text
    database.close()


def test_a_full_disk_is_a_sentence_and_what_was_saved_stays(database: Database, path: Path) -> None:
    document = written()
    database.save(document.snapshot())
    pages = database._connection.execute("pragma page_count").fetchone()[0]
    database._connection.execute(f"pragma max_page_count = {pages}")
    saved = document.text
    document.replace(0, 0, "x" * 200_000)
    with pytest.raises(UserError, match="disk is full"):
        database.save(document.snapshot())
    assert load(path, document.id).text == saved
    database._connection.execute("pragma max_page_count = 100000")
    database.save(document.snapshot())
    assert load(path, document.id).text == document.text


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    database, problems = open_or_replace(tmp_path / "file" / "documents.sqlite")
    database.save(written().snapshot())
    database.close()
    assert len(problems) == 1


@pytest.mark.skipif(not Path("/sys").is_dir(), reason="needs a folder that not even root may write in")
@pytest.mark.parametrize("path", ["/sys/documents.sqlite", "/sys/gptdesk/documents.sqlite"])
def test_where_no_file_can_be_written_documents_live_in_memory(path: str) -> None:
    database, problems = open_or_replace(Path(path))
    document = written()
    database.save(document.snapshot())
    assert len(problems) == 1
    assert "\n" not in problems[0]
    assert database.load(document.id) == document.snapshot()
    database.close()


def test_settings_of_another_version_do_not_cost_the_text(database: Database, path: Path) -> None:
    document = written()
    database.save(document.snapshot())
    database._connection.execute("update nodes set origin = replace(origin, 'temperature', 'warmth')")
    assert load(path, document.id).text == document.text


def test_a_title_that_a_person_gave_stays_whatever_the_text_becomes(database: Database, path: Path) -> None:
    document = written()
    database.save(document.snapshot())
    database.catalog.rename(document.id, "Märchen")
    assert [entry.title for entry in database.entries()] == ["Märchen"]
    renamed = load(path, document.id)
    renamed.replace(0, len(renamed.text), "Another text")
    database.save(renamed.snapshot())
    assert [entry.title for entry in database.entries()] == ["Märchen"]
    assert load(path, document.id).title == "Märchen"
    database.catalog.rename(document.id, None)
    assert [entry.title for entry in database.entries()] == ["Another text"]


def test_settings_and_file_of_a_document_come_back(database: Database, path: Path) -> None:
    document = written()
    document.decoding = DecodingSettings(temperature=0.3, stop=("\n", "😀"), logit_bias={5: -100})
    document.file = "/somewhere/é.txt"
    database.save(document.snapshot())
    loaded = load(path, document.id)
    assert (loaded.decoding, loaded.file) == (document.decoding, document.file)


@pytest.mark.parametrize("decoding", ["{", "[]", "3", '{"warmth": 1}', '{"temperature": 99}', "[" * 100_000])
def test_settings_that_cannot_be_read_do_not_cost_the_document(database: Database, path: Path, decoding: str) -> None:
    document = written()
    database.save(document.snapshot())
    database._connection.execute("update documents set decoding = ?", (decoding,))
    assert load(path, document.id).text == document.text
    assert load(path, document.id).decoding is None


def test_a_document_stays_in_the_trash_until_it_is_restored_or_deleted_permanently(path: Path) -> None:
    first, second = written(), written()
    database = Database(path)
    for document in (first, second):
        database.save(document.snapshot())
    database.catalog.move_to_trash([first.id, second.id])
    assert database.entries() == []
    database.catalog.restore([first.id])
    database.close()
    database = Database(path)
    assert [entry.id for entry in database.entries()] == [first.id]
    assert [entry.id for entry in database.catalog.entries(trashed=True)] == [second.id]
    database.catalog.delete_trashed([first.id, second.id])
    assert [entry.id for entry in database.entries()] == [first.id]
    assert database.load(second.id) is None
    database.close()


def test_saving_a_deleted_document_late_does_not_bring_it_back(database: Database) -> None:
    document = written()
    database.save(document.snapshot())
    database.catalog.move_to_trash([document.id])
    document.replace(0, 0, "late ")
    database.save(document.snapshot())
    assert database.entries() == []
