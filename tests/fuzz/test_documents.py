"""Damaged files of documents: each opens with what is sound, and the document beside the damaged one is whole."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from gptdesk.inference.events import Alternative
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.store.database import Database
from gptdesk.store.document import Document
from gptdesk.store.opening import open_or_replace
from gptdesk.store.runs import Origin, Token
from tests.fuzz.mutations import (
    COUNTS,
    DEEP,
    ODD_JSON,
    Contents,
    check_sentence,
    damaged_bytes,
    refuse_or,
    run_examples,
)

COLUMNS = {
    "documents": (
        "id",
        "title",
        "created",
        "modified",
        "leaf",
        "own_title",
        "decoding",
        "file",
        "deleted",
        "chat_template",
    ),
    "nodes": ("document", "id", "parent", "text", "first", "origin"),
    "tokens": ("document", "node", "chunk", "tokens"),
}

ODD_VALUES: tuple[Any, ...] = (
    None, 0, 1, 2, -1, 99, 2**53 + 1, 2**63 - 1, -(2**63), 1.5, 1e300, float("inf"), "", "x", "5", "target", "gone",
    "a\0b", "\r\n\u2028", b"", b"\x00\xff", b"text", "x" * 5_000, DEEP, "{}", '{"generation": 5}', "[[1,99999,0.5,[]]]",
    '[["a","b","c",{}]]', "[[1,-1,0.0,[]]]", "[[1,1,NaN,[]]]", "[[1,1,-1,[[1,2,3]]]]",
    "[[1,1,-1,[],NaN]]", "[[1,1,-1,[],-5]]", *ODD_JSON,
)  # fmt: skip

Change = tuple[str, str, Any]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "documents.sqlite"
    database = Database(path)
    for name, length in (("target", 260), ("neighbour", 3)):  # tokens; those of the target are kept in two chunks
        document = Document()
        document.id = name
        document.decoding = DecodingSettings(temperature=0.5)
        document.replace(0, 0, "Once upon a time ")
        for number in range(2):
            document.begin_generation(Origin(generation=f"g{number}", model="tiny"))
            document.append_tokens("é" * length, [Token(7, 1, -0.25, (Alternative(7, "é", -0.25),), 0.5)] * length)
            document.end_generation("length", seed=1)
            document.replace(len(document.text), len(document.text), " and then ")
            document.undo()
            document.undo()
        document.redo()
        database.save(document.snapshot())
    database.close()
    return path


def changes() -> st.SearchStrategy[list[Change]]:
    change = st.sampled_from(sorted(COLUMNS)).flatmap(
        lambda table: st.tuples(st.just(table), st.sampled_from(COLUMNS[table]), st.sampled_from(ODD_VALUES))
    )
    return st.lists(change, min_size=1, max_size=3)


def apply(path: Path, made: list[Change]) -> None:
    """Puts the values in rows of the target; SQLite refuses some, such as a null where there may be none."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for table, column, value in made:
            key = "id" if table == "documents" else "document"
            try:
                connection.execute(f"update {table} set {column} = ? where {key} = 'target'", (value,))
            except (sqlite3.IntegrityError, UnicodeEncodeError):
                continue


def use(database: Database, id: str) -> None:
    """Opens a document, works with it, saves it, and opens it again."""
    opened = refuse_or(lambda: database.open(id))
    if opened is None:
        return
    if opened.problem:
        check_sentence(opened.problem)
    document = Document(opened.snapshot)
    text = document.text
    assert "\0" not in text
    assert all(0 <= start <= end <= len(text) for start, end in document.generated_spans())
    document.replace(len(text) // 2, len(text) // 2 + 1 if text else 0, "new ")
    document.begin_generation(Origin(generation="new", model="tiny"))
    document.append_tokens("word", [Token(1, 4, -1.0)])
    document.end_generation("length", seed=0)
    document.undo()
    document.undo()
    assert document.text == text
    document.replace(0, 0, "Well, ")
    assert refuse_or(lambda: database.save(document.snapshot()) or True)
    again = database.open(id)
    assert again is not None
    assert again.problem == ""
    assert Document(again.snapshot).text == f"Well, {text}"


@COUNTS
def test_damaged_rows_cost_their_document_alone(count: int, sound: Path, tmp_path: Path) -> None:
    def check(made: list[Change]) -> None:
        path = Path(shutil.copy(sound, tmp_path / "documents.sqlite"))
        apply(path, made)
        database, problems = open_or_replace(path)
        with closing(database):
            assert problems == []
            listed = database.entries()
            neighbour = database.open("neighbour")
            assert neighbour is not None
            assert neighbour.problem == ""
            assert len(Document(neighbour.snapshot).text) == 17 + 3
            assert "neighbour" in [summary.id for summary in listed]
            for summary in listed:
                assert summary.title
                assert "\n" not in summary.title
                assert 0 <= summary.modified < 1e12
                assert database.export_raw(summary.id) is not None
                if summary.id != "neighbour":
                    use(database, summary.id)
                database.discard_damaged(summary.id)
            assert not any(summary.damaged for summary in database.entries())

    run_examples(count, changes(), check)


@COUNTS
def test_a_file_of_damaged_bytes_is_opened_or_set_aside(count: int, sound: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"

    def check(data: bytes) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / "documents.sqlite").write_bytes(data)
        database, problems = open_or_replace(folder / "documents.sqlite")
        with closing(database):
            for problem in problems:
                check_sentence(problem)
            for summary in refuse_or(database.entries) or ():
                refuse_or(lambda id=summary.id: database.open(id))
                refuse_or(lambda id=summary.id: database.export_raw(id))
            document = Document()
            document.replace(0, 0, "still here")
            refuse_or(lambda: database.save(document.snapshot()))

    run_examples(count, damaged_bytes(sound.read_bytes()).map(Contents), check)
