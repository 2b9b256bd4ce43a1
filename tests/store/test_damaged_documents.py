"""Documents of which rows are damaged: opened as far as they are sound, kept, listed, and alone in it."""

import json
import sqlite3
from pathlib import Path

import pytest

from gptdesk.store.database import Database
from gptdesk.store.document import Document
from gptdesk.store.opening import open_or_replace
from gptdesk.store.runs import Origin, Token

TYPED, WRITTEN = "Once upon a time", " there was a dragon"
DEEP = "[" * 10_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "documents.sqlite"


@pytest.fixture
def ids(path: Path) -> tuple[str, str]:
    """A document that is to be damaged and one beside it, both in the file."""
    database = Database(path)
    found = []
    for _ in range(2):
        document = document_of_two_parts()
        database.save(document.snapshot())
        found.append(document.id)
    database.close()
    return found[0], found[1]


def document_of_two_parts() -> Document:
    document = Document()
    document.replace(0, 0, TYPED)
    document.begin_generation(Origin(generation="g", model="tiny"))
    document.append_tokens(WRITTEN, [Token(id, 1, -0.25) for id in range(len(WRITTEN))])
    document.end_generation("length", seed=1)
    return document


def damage(path: Path, statement: str, id: str) -> None:
    """Runs a statement on the rows of one document; foreign keys are not looked after, as by any other program."""
    connection = sqlite3.connect(path)
    connection.execute(statement.format(id=f"'{id}'"))
    connection.commit()
    connection.close()


DAMAGES = {
    "the end points nowhere": "update documents set leaf = 99 where id = {id}",
    "the end is no number": "update documents set leaf = 'x' where id = {id}",
    "the title is no text": "update documents set title = x'00ff' where id = {id}",
    "a given title is no text": "update documents set own_title = x'00ff' where id = {id}",
    "settings are no JSON": "update documents set decoding = '{{' where id = {id}",
    "settings are a number": "update documents set decoding = 5 where id = {id}",
    "the file's name is no text": "update documents set file = x'00ff' where id = {id}",
    "the time of deletion is no number": "update documents set deleted = 'x' where id = {id}",
    "a time is no number": "update documents set modified = 'noon' where id = {id}",
    "a time is beyond all calendars": "update documents set modified = 9e99 where id = {id}",
    "parents are no numbers": "update nodes set parent = 'x' where document = {id}",
    "parents point nowhere": "update nodes set parent = 77 where document = {id}",
    "nodes are their own parents": "update nodes set parent = id where document = {id}",
    "nodes are each other's parents": "update nodes set parent = 3 - id where document = {id}",
    "an origin is a number": "update nodes set origin = '5' where document = {id} and origin is not null",
    "an origin lacks its model": "update nodes set origin = '{{}}' where document = {id} and origin is not null",
    "an origin is nested deeply": f"update nodes set origin = '{DEEP}' where document = {{id}} and origin is not null",
    "an origin is gone": "update nodes set origin = null where document = {id}",
    "a place in a generation is no number": "update nodes set first = 'x' where document = {id}",
    "a token is longer than the text": "update tokens set tokens = '[[1,99999,-0.5,[]]]' where document = {id}",
    "an entropy is no number": """update tokens set tokens = '[[1,1,-0.5,[],"x"]]' where document = {id}""",
    "tokens have more than a version knows": "update tokens set tokens = '[[1,1,-0.5,[],0.5,1]]' where document = {id}",
    "tokens are no numbers": """update tokens set tokens = '[["a","b","c",{{}}]]' where document = {id}""",
    "tokens are nested deeply": f"update tokens set tokens = '{DEEP}' where document = {{id}}",
    "tokens are a number": "update tokens set tokens = 5 where document = {id}",
    "tokens are not UTF-8": "update tokens set tokens = cast(x'5bff5d' as text) where document = {id}",
    "tokens have no node": "update tokens set node = 99 where document = {id}",
    "tokens are gone": "delete from tokens where document = {id}",
    "ids are no numbers": "update nodes set id = 'n' || id where document = {id}",
    "ids are beyond all numbers": "update nodes set id = id + 9223372036854775800 where document = {id}",
    "the first node has the root's id": "update nodes set id = 0 where document = {id} and id = 1",
}


@pytest.mark.parametrize("statement", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_document_opens_with_its_text_and_says_what_is_lost(
    path: Path, ids: tuple[str, str], statement: str
) -> None:
    damage(path, statement, ids[0])
    database = Database(path)
    found = database.open(ids[0])
    neighbour = database.open(ids[1])
    listed = {summary.id: summary.damaged for summary in database.entries()}
    database.close()
    assert found is not None
    assert Document(found.snapshot).text == TYPED + WRITTEN
    assert "is damaged: " in found.problem
    assert "\n" not in found.problem
    assert neighbour is not None
    assert neighbour.problem == ""
    assert Document(neighbour.snapshot).text == TYPED + WRITTEN
    assert listed == {ids[0]: True, ids[1]: False}


@pytest.mark.parametrize("statement", DAMAGES.values(), ids=DAMAGES.keys())
def test_what_was_damaged_is_kept_beside_the_document_when_it_is_saved_again(
    path: Path, ids: tuple[str, str], statement: str
) -> None:
    damage(path, statement, ids[0])
    database = Database(path)
    found = database.open(ids[0])
    assert found is not None
    document = Document(found.snapshot)
    document.replace(0, 0, "Well: ")
    database.save(document.snapshot())
    again = database.open(ids[0])
    exported = json.loads(database.export_raw(ids[0]) or b"")
    assert again is not None
    assert again.problem == ""
    assert Document(again.snapshot).text == "Well: " + TYPED + WRITTEN
    assert len(exported["set_aside"]) == 1
    assert {summary.id for summary in database.entries() if summary.damaged} == {ids[0]}
    database.discard_damaged(ids[0])
    assert not any(summary.damaged for summary in database.entries())
    assert Document(database.load(ids[0])).text == "Well: " + TYPED + WRITTEN
    database.close()


def test_opening_a_damaged_document_changes_nothing_on_disk(path: Path, ids: tuple[str, str]) -> None:
    damage(path, DAMAGES["parents point nowhere"], ids[0])
    database = Database(path)
    before = database.export_raw(ids[0])
    database.open(ids[0])
    assert database.export_raw(ids[0]) == before
    database.close()


def test_a_damaged_document_can_be_given_up_without_being_opened(path: Path, ids: tuple[str, str]) -> None:
    damage(path, DAMAGES["the end points nowhere"], ids[0])
    database = Database(path)
    database.discard_damaged(ids[0])
    assert not any(summary.damaged for summary in database.entries())
    damaged = database.open(ids[0])
    assert damaged is not None
    assert (damaged.problem, Document(damaged.snapshot).text) == ("", TYPED + WRITTEN)
    database.close()


def test_a_damaged_document_whose_text_is_deleted_keeps_what_was_set_aside(path: Path, ids: tuple[str, str]) -> None:
    damage(path, DAMAGES["parents point nowhere"], ids[0])
    database = Database(path)
    document = Document(database.load(ids[0]))
    for text in ("x", ""):
        document.replace(0, len(document.text), text)
        database.save(document.snapshot())
    exported = (database.export_raw(ids[0]) or b"").decode()
    assert TYPED in exported
    database.delete(ids[0])
    assert [summary.id for summary in database.entries()] == [ids[1]]
    assert database.export_raw(ids[0]) is None
    database.close()


@pytest.mark.parametrize("id", ["x'00ff'", "cast(x'00ff' as text)", "''", "null"])
def test_a_document_that_lost_its_name_gets_a_new_one(path: Path, ids: tuple[str, str], id: str) -> None:
    damage(path, f"update documents set id = {id} where id = {{id}}", ids[0])
    damage(path, f"update nodes set document = ifnull({id}, '') where document = {{id}}", ids[0])
    damage(path, f"update tokens set document = ifnull({id}, '') where document = {{id}}", ids[0])
    database = Database(path)
    texts = {}
    for summary in database.entries():
        opened = database.open(summary.id)
        assert opened is not None
        texts[summary.id] = Document(opened.snapshot).text
    database.close()
    assert texts.pop(ids[1]) == TYPED + WRITTEN
    assert TYPED + WRITTEN in texts.values()


def test_text_whose_document_is_gone_is_listed_again(path: Path, ids: tuple[str, str]) -> None:
    damage(path, "delete from documents where id = {id}", ids[0])
    database = Database(path)
    assert {summary.id: summary.damaged for summary in database.entries()} == {ids[0]: True, ids[1]: False}
    found = database.open(ids[0])
    assert found is not None
    assert Document(found.snapshot).text == TYPED + WRITTEN
    database.close()


def test_a_generation_that_a_crash_cut_off_is_not_damaged(path: Path) -> None:
    document = Document()
    document.begin_generation(Origin(generation="g", model="tiny"))
    document.append_tokens("abc", [Token(id, 1, -0.25) for id in range(5)])  # two characters are held back
    database = Database(path)
    database.save(document.snapshot())
    opened = database.open(document.id)
    assert opened is not None
    assert opened.problem == ""
    restored = Document(opened.snapshot)
    restored.replace(1, 2, "B")
    assert restored.text == "aBc"
    database.close()


@pytest.mark.parametrize("statement", ["drop table tokens", "alter table nodes rename column origin to source"])
def test_a_file_without_a_table_or_column_is_set_aside(path: Path, ids: tuple[str, str], statement: str) -> None:
    damage(path, statement, ids[0])
    database, problems = open_or_replace(path)
    assert "set aside" in problems[0]
    database.save(document_of_two_parts().snapshot())
    database.close()
    assert len(list(path.parent.glob("documents.sqlite.unreadable-*"))) == 1


def test_documents_of_a_damaged_file_are_taken_over_where_they_can_be_read(path: Path, ids: tuple[str, str]) -> None:
    damage(path, "drop table tokens", ids[0])
    database, problems = open_or_replace(path)
    assert "2 documents that could be read" in problems[0]
    texts = [Document(database.load(summary.id)).text for summary in database.entries()]
    assert texts == [TYPED + WRITTEN] * 2
    database.close()


def test_a_page_that_cannot_be_read_costs_the_documents_on_it_alone(path: Path) -> None:
    database = Database(path)
    documents = [document_of_two_parts() for _ in range(40)]
    for document in documents:
        document.replace(0, 0, "x" * 3000)
        database.save(document.snapshot())
    database.close()
    data = bytearray(path.read_bytes())
    place = data.rindex(b"x" * 3000) // 4096 * 4096
    data[place : place + 4096] = bytes(4096)
    path.write_bytes(data)
    database, _ = open_or_replace(path)
    assert len(database.entries()) >= len(documents) - 2
    sound = 0
    for summary in database.entries():
        try:
            opened = database.open(summary.id)
        except ValueError:
            continue
        sound += opened is not None and Document(opened.snapshot).text == "x" * 3000 + TYPED + WRITTEN
    database.close()
    assert sound >= len(documents) - 2
