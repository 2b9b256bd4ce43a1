"""Where the rows of branches stand, and which ones a search leaves."""

import math

from gptdesk.store.document import Document
from gptdesk.ui.playground.branches.arrangement import Query, Rows, arrange


def rows_of(document: Document, typed: str = "") -> Rows:
    return arrange(document.outline, Query.parse(typed))


def described(rows: Rows) -> list[str]:
    """The rows from top to bottom, indented, those of the shown text with a star."""
    return [
        "  " * row.level + row.segment.text.strip() + ("*" if row.segment.shown else "") for row in rows.by_id.values()
    ]


def story(*branches: str) -> Document:
    """A beginning, and what goes on from it."""
    document = Document()
    document.replace(0, 0, "Once upon a time")
    for text in branches:
        document.branch(16, text)
    return document


def test_a_document_without_branches_is_one_row() -> None:
    document = Document()
    assert described(rows_of(document)) == []
    document.replace(0, 0, "Once upon a time")
    assert described(rows_of(document)) == ["Once upon a time*"]


def test_branches_are_indented_below_what_they_go_on_from() -> None:
    document = story(" there was a king", " there was a cat", " it rained")
    assert described(rows_of(document)) == [
        "Once upon a time*",
        "  there was a king",
        "  there was a cat",
        "  it rained*",
    ]


def test_what_goes_on_longest_stays_at_the_level_below_the_others() -> None:
    document = story(" there was a king", " there was a cat")
    document.branch(len(document.text), " who slept")
    document.branch(len(document.text) - len(" who slept"), " who ran")
    document.replace(16, len(document.text), " it rained")
    assert described(rows_of(document)) == [
        "Once upon a time*",
        "  there was a king",
        "  it rained*",
        "there was a cat",
        "  who slept",
        "  who ran",
    ]
    cat = next(row for row in rows_of(document).by_id.values() if row.segment.text == " there was a cat")
    assert cat.follows
    assert not cat.more


def test_the_level_stays_small_however_often_a_text_forks() -> None:
    document = Document()
    document.replace(0, 0, "0")
    for number in range(200):
        start = len(document.text)
        document.branch(start, f" left {number}")
        document.branch(start, f" right {number}")
    rows = rows_of(document)
    assert len(rows.by_id) == 401
    assert max(row.level for row in rows.by_id.values()) <= math.log2(len(rows.by_id))


def test_texts_that_differ_from_the_first_word_on_have_a_common_beginning() -> None:
    document = Document()
    document.replace(0, 0, "One")
    document.branch(0, "Two")
    rows = rows_of(document)
    assert described(rows) == ["*", "  One", "  Two*"]
    assert next(iter(rows.by_id.values())).segment.nodes == ()


def test_a_search_leaves_what_it_finds_and_what_stands_before_it() -> None:
    document = story(" there was a king", " there was a cat", " it rained")
    rows = rows_of(document, "CAT was")
    assert described(rows) == ["Once upon a time*", "  there was a cat"]
    assert rows.found == 1
    assert rows_of(document, "dragon").by_id == {}


def test_an_excerpt_begins_shortly_before_what_was_found() -> None:
    text = "word " * 100 + "dragon and more"
    assert Query.parse("DRAGON").around(text) == "…word word word word dragon and more"
    assert Query.parse("word").around(text) == text
    assert Query.parse("more").spans("more and More") == [(0, 4), (9, 13)]
