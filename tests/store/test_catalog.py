"""The list of documents: full-text search that follows every change, pins, tags, copies and the trash."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gptdesk.errors import UserError
from gptdesk.store.catalog.search_index import FIRST, LAST, MOST_MATCHES
from gptdesk.store.catalog.tags import LONGEST_TAG, MOST_TAGS, parse_tags
from gptdesk.store.database import Database
from gptdesk.store.document import Document
from gptdesk.store.opening import open_or_replace
from gptdesk.store.recovery import Place
from gptdesk.store.runs import Origin, Token
from gptdesk.store.titles import LONGEST_TITLE


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "documents.sqlite"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    opened = Database(path)
    yield opened
    opened.close()


def saved(database: Database, text: str, title: str | None = None) -> Document:
    document = Document()
    document.replace(0, 0, text)
    document.own_title = title
    database.save(document.snapshot())
    return document


def found(database: Database, words: str, *, trashed: bool = False) -> list[str]:
    """Ids of the documents found, once all of them are indexed."""
    while not database.catalog.update_index():
        pass
    return [match.id for match in database.catalog.search(words.split(), trashed=trashed)]


# Search


def test_a_document_is_found_by_the_beginnings_of_its_words_without_case_and_accents(database: Database) -> None:
    king, keeper = saved(database, "Es war einmal ein König"), saved(database, "The old lighthouse keeper")
    assert found(database, "konig") == [king.id]
    assert found(database, "LIGHT the") == [keeper.id]
    assert found(database, "house") == []
    assert found(database, "einmal keeper") == []


def test_a_snippet_shows_the_match_in_one_line(database: Database) -> None:
    saved(database, "One line\nand a dragon\non three lines " + "x " * 200)
    (match,) = database.catalog.search(["drag"])
    assert f"and a {FIRST}dragon{LAST} on three" in match.snippet
    assert "\n" not in match.snippet


def test_a_match_in_the_title_alone_has_no_snippet_and_comes_first(database: Database) -> None:
    saved(database, "It begins.\n" + "a dragon " * 3)
    titled = saved(database, "Nothing of it here", "The dragon")
    matches = database.catalog.search(["dragon"])
    assert matches[0].id == titled.id
    assert matches[0].snippet == ""


def test_search_follows_edits_titles_generations_and_undo(database: Database) -> None:
    document = saved(database, "A knight")
    assert found(database, "knight") == [document.id]
    document.begin_generation(Origin(generation="g", model="tiny"))
    document.append_tokens(" and a dragon", [Token(1, 13, -0.5)])
    document.end_generation("length", seed=1)
    database.save(document.snapshot())
    assert found(database, "dragon") == [document.id]
    document.undo()
    database.save(document.snapshot())
    assert found(database, "dragon") == []
    database.catalog.rename(document.id, "Castle")
    assert found(database, "castle") == [document.id]
    document.replace(0, len(document.text), "")
    document.own_title = None
    database.save(document.snapshot())
    assert found(database, "knight") == found(database, "castle") == []


def test_a_word_that_two_runs_share_is_found(database: Database) -> None:
    document = saved(database, "The light")
    document.begin_generation(Origin(generation="g", model="tiny"))
    document.append_tokens("house", [Token(1, 5, -0.5)])
    document.end_generation("length", seed=1)
    database.save(document.snapshot())
    assert found(database, "lighthouse") == [document.id]


@pytest.mark.parametrize(
    "words", ['"', '""*', "a:b", "NEAR(", "x OR y", "*", "-x", "^x", "{x}", "x\0y", "'", "😀", "(((", "+"]
)
def test_signs_of_a_query_language_are_letters_like_any_other(database: Database, words: str) -> None:
    saved(database, "Once upon a time")
    assert found(database, words) == []


def test_a_search_finds_the_best_matches_of_very_many(database: Database) -> None:
    for _ in range(MOST_MATCHES + 5):
        saved(database, "a dragon among many other words of a story")
    best = saved(database, "dragon dragon dragon")
    ids = found(database, "dragon")
    assert len(ids) == MOST_MATCHES
    assert ids[0] == best.id


def test_an_index_that_is_behind_catches_up_after_a_restart(path: Path) -> None:
    database = Database(path)
    first = saved(database, "A dragon")
    database.close()
    database = Database(path)
    assert found(database, "dragon") == [first.id]
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("update documents set modified = modified + 1, title = 'A knight'")
        other.execute("update nodes set text = 'A knight'")
    database.close()
    database = Database(path)
    assert (found(database, "dragon"), found(database, "knight")) == ([], [first.id])
    database.close()


def test_a_damaged_document_is_found_by_what_can_be_read_and_costs_no_other(path: Path) -> None:
    database = Database(path)
    damaged, sound = saved(database, "A dragon"), saved(database, "A dragon, too")
    database.close()
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("update nodes set parent = id where document = ?", (damaged.id,))
        other.execute("update documents set modified = 'noon', title = x'00ff' where id = ?", (damaged.id,))
    database = Database(path)
    assert set(found(database, "dragon")) == {damaged.id, sound.id}
    assert {entry.id: entry.damaged for entry in database.entries()} == {damaged.id: True, sound.id: False}
    database.close()


def test_a_file_without_its_index_is_set_aside_and_all_documents_are_taken_over(path: Path) -> None:
    database = Database(path)
    document = saved(database, "A dragon", "Mine")
    database.catalog.set_tags(document.id, ["draft"])
    database.catalog.set_pinned([document.id], True)
    database.close()
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("drop table search")
    database, problems = open_or_replace(path)
    assert "one document that could be read" in problems[0]
    (entry,) = database.entries()
    assert (entry.title, entry.tags, entry.pinned) == ("Mine", ("draft",), True)
    assert found(database, "dragon") == [document.id]
    database.close()


# Pins, tags, copies, places


def test_pins_and_tags_stay_when_the_text_is_deleted_and_written_anew(database: Database) -> None:
    document = saved(database, "Something")
    database.catalog.set_pinned([document.id], True)
    database.catalog.set_tags(document.id, ["b", "a"])
    for text in ("", "New"):
        document.replace(0, len(document.text), text)
        database.save(document.snapshot())
    (entry,) = database.entries()
    assert (entry.title, entry.pinned, entry.tags) == ("New", True, ("a", "b"))
    database.catalog.set_pinned([document.id], False)
    database.catalog.set_tags(document.id, [])
    document.replace(0, len(document.text), "")
    database.save(document.snapshot())
    assert database.entries() == []


def test_rows_that_hold_no_tag_are_left_out(path: Path) -> None:
    database = Database(path)
    document = saved(database, "Something")
    database.catalog.set_tags(document.id, ["draft"])
    for tag in (b"\x00", "two words", "", "x" * (LONGEST_TAG + 1), "a\x07b"):
        database._connection.execute("insert into tags values (?, ?)", (document.id, tag))
    assert database.entries()[0].tags == ("draft",)
    assert not database.entries()[0].damaged
    database.close()


def test_tags_are_words_whatever_separates_them() -> None:
    assert parse_tags("  #Poem, draft draft,DRAFT\tzoo # ") == ("draft", "Poem", "zoo")
    for wrong in ("x" * (LONGEST_TAG + 1), "a\x07b", " ".join(f"t{n}" for n in range(MOST_TAGS + 1))):
        with pytest.raises(UserError):
            parse_tags(wrong)


def test_a_copy_has_all_branches_and_goes_its_own_way(database: Database) -> None:
    document = saved(database, "Once", "x" * LONGEST_TITLE)
    for text in ("a", "b"):
        document.begin_generation(Origin(generation=text, model="tiny"))
        document.append_tokens(text, [Token(1, 1, -0.5)])
        document.end_generation("length", seed=1)
        if text == "a":
            document.undo()
    document.file = "/somewhere/mine.txt"
    database.save(document.snapshot())
    database.catalog.set_tags(document.id, ["draft"])
    id = database.catalog.duplicate(document.id)
    assert id is not None
    copy = database.load(id)
    assert copy is not None
    assert copy.nodes == document.snapshot().nodes
    assert (copy.file, copy.own_title) == (None, "x" * (LONGEST_TITLE - 7) + " (copy)")
    changed = Document(copy)
    changed.replace(0, 4, "Twice")
    database.save(changed.snapshot())
    assert Document(database.load(document.id)).text == "Onceb"
    assert {entry.tags for entry in database.entries()} == {("draft",)}
    assert found(database, "twiceb") == [id]
    assert database.catalog.duplicate("nobody") is None


def test_the_reading_position_is_kept_and_is_no_change(database: Database) -> None:
    document = saved(database, "Something")
    before = database.entries()
    database.catalog.set_place(document.id, Place(caret=7, top=3))
    opened = database.open(document.id)
    assert opened is not None
    assert opened.place == Place(caret=7, top=3)
    assert database.entries() == before
    database._connection.execute("update documents set caret = 'x', top = -1")
    opened = database.open(document.id)
    assert opened is not None
    assert (opened.place, opened.problem) == (None, "")


# The trash


def test_only_the_trash_is_searched_or_only_the_rest(database: Database) -> None:
    first, second = saved(database, "A dragon"), saved(database, "A dragon")
    database.catalog.move_to_trash([first.id])
    assert found(database, "dragon") == [second.id]
    assert found(database, "dragon", trashed=True) == [first.id]
    database.catalog.delete_trashed([first.id])
    assert found(database, "dragon", trashed=True) == []
    assert database._connection.execute("select count(*) from search").fetchone() == (1,)


def test_a_document_deleted_permanently_and_saved_once_more_is_whole(database: Database) -> None:
    document = saved(database, "All of it")
    database.catalog.move_to_trash([document.id])
    database.catalog.delete_trashed([document.id])
    document.replace(0, 0, "Again ")
    database.save(document.snapshot())
    loaded = database.open(document.id)
    assert loaded is not None
    assert (Document(loaded.snapshot).text, loaded.problem) == ("Again All of it", "")
