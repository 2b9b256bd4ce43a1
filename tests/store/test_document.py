"""The document against a plain string: whatever is done to it, its text is what an editor would show."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from gptdesk.inference.events import Alternative
from gptdesk.store.branches.nodes import ROOT
from gptdesk.store.document import Document
from gptdesk.store.runs import Origin, Run, Token, clean
from gptdesk.store.snapshot import is_empty

TEXT = st.text(st.sampled_from("ab \n😀é"), max_size=6)
PIECES = st.lists(st.sampled_from(["", "a", "b ", "cde", "😀", "\n"]), min_size=1, max_size=6)
count = iter(range(10**9))


def origin() -> Origin:
    return Origin(generation=f"generation {next(count)}", model="tiny")


def tokens(pieces: list[str]) -> list[Token]:
    return [Token(id, len(piece), -1.5, (Alternative(7, "x", -0.5),)) for id, piece in enumerate(pieces)]


def generate(document: Document, pieces: list[str], *, start: int | None = None) -> None:
    document.begin_generation(origin(), start=start)
    for token, piece in zip(tokens(pieces), pieces, strict=True):
        document.append_tokens(piece, [token])
    document.end_generation("length", seed=1)


def generated(pieces: list[str]) -> Run:
    """A run that a model has written."""
    return Run("".join(pieces), tuple(tokens(pieces)), replace(origin(), seed=1, finish_reason="length"))


def texts(document: Document, *, begun: bool = False) -> list[str]:
    """The texts of all branches, or with ``begun`` also those with which others begin: what is shown may be one, and
    what a model writes once more."""
    nodes = document.snapshot().nodes
    parents = {node.parent for node in nodes.values()}
    ends = [ROOT, *nodes] if begun else [id for id in nodes if id not in parents]
    return [Document(replace(document.snapshot(), leaf=id)).text for id in ends]


def test_the_backend_that_was_used_is_kept() -> None:
    """Which need not be the one that was expected: code may have been compiled meanwhile."""
    document = Document()
    for used in ("numba", None):
        document.begin_generation(origin(), start=None)
        document.append_tokens("x", tokens(["x"]))
        document.end_generation("length", seed=1, backend=used)
    kept = [run.origin.backend for run in document.runs if run.origin]
    assert kept == ["numba", origin().backend]


def check(document: Document) -> None:
    """What holds at any time."""
    assert "".join(run.text for run in document.runs) == document.text
    for run in document.runs:
        assert run.text
        if run.generated:
            assert sum(token.length for token in run.tokens) == len(run.text)
        else:
            assert not run.tokens
    tree = document._tree
    for id in tree.nodes:
        assert id in tree.children(tree.nodes[id].parent)
    assert sum(len(tree.children(id)) for id in [0, *tree.nodes]) == len(tree.nodes)


class Editing(RuleBasedStateMachine):
    """Edits, generations, undo and redo in any order."""

    @initialize()
    def start(self) -> None:
        self.document = Document()
        self.text = ""

    @rule(data=st.data(), inserted=TEXT, typing=st.booleans())
    def edit(self, data: st.DataObject, inserted: str, typing: bool) -> None:
        start = data.draw(st.integers(0, len(self.text)))
        end = data.draw(st.integers(start, min(len(self.text), start + 5)))
        self.document.replace(start, end, inserted, typing=typing)
        self.text = self.text[:start] + inserted + self.text[end:]

    @rule(pieces=PIECES)
    def generate(self, pieces: list[str]) -> None:
        generate(self.document, pieces)
        self.text += "".join(pieces)

    @precondition(lambda self: self.document.last_generation() is not None)
    @rule(pieces=PIECES)
    def regenerate(self, pieces: list[str]) -> None:
        start = self.document.last_generation()
        generate(self.document, pieces, start=start)
        if "".join(pieces):
            self.text = self.text[:start] + "".join(pieces)

    @rule(data=st.data(), pieces=PIECES)
    def generate_at(self, data: st.DataObject, pieces: list[str]) -> None:
        start = data.draw(st.integers(0, len(self.text)))
        generate(self.document, pieces, start=start)
        if "".join(pieces):
            self.text = self.text[:start] + "".join(pieces)

    @rule(data=st.data(), inserted=TEXT)
    def branch(self, data: st.DataObject, inserted: str) -> None:
        wanted = data.draw(st.integers(0, len(self.text)))
        self.document.branch(wanted, inserted)
        start = self.document.changed_at - len(inserted)
        assert start <= wanted, "no token is cut in two"
        self.text = self.text[:start] + inserted

    @rule(data=st.data(), pieces=st.lists(PIECES, min_size=1, max_size=3), used=st.booleans())
    def add_branches(self, data: st.DataObject, pieces: list[list[str]], used: bool) -> None:
        runs = [generated(each) for each in pieces]
        start = data.draw(st.integers(0, len(self.text)))
        self.document.add_branches(start, runs)
        assert self.document.text == self.text
        for run in runs:
            assert self.text[:start] + run.text in texts(self.document, begun=True)
        if used and runs[0].text:
            nodes = len(self.document.snapshot().nodes)
            self.document.branch(start, runs[0])
            assert len(self.document.snapshot().nodes) == nodes
            self.text = self.text[:start] + runs[0].text

    @rule()
    def undo_and_redo(self) -> None:
        before = self.document.runs
        if self.document.undo():
            self.document.redo()
        assert self.document.runs == before

    @rule()
    def redo_and_undo(self) -> None:
        before = self.document.runs
        if self.document.redo():
            self.document.undo()
        assert self.document.runs == before

    @rule()
    def undo(self) -> None:
        self.document.undo()
        self.text = self.document.text

    @rule()
    def undo_everything_and_back(self) -> None:
        before = self.document.runs
        steps = 0
        while self.document.undo():
            steps += 1
        assert self.document.text == ""
        for _ in range(steps):
            assert self.document.redo()
        assert self.document.runs == before

    @rule()
    def save_and_load(self) -> None:
        loaded = Document(self.document.snapshot())
        assert loaded.runs == self.document.runs

    @invariant()
    def holds(self) -> None:
        assert self.document.text == self.text
        check(self.document)


TestEditing = Editing.TestCase
TestEditing.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)


def test_a_branch_that_is_shown_and_with_which_another_begins_is_not_added_again() -> None:
    document, first = Document(), generated(["a"])
    document.add_branches(0, [first])
    document.branch(0, first)
    document.add_branches(1, [generated(["a"])])
    document.add_branches(0, [generated(["a"])])
    assert (document.text, texts(document), len(document.snapshot().nodes)) == ("a", ["aa"], 2)


def test_an_edit_inside_a_generated_run_splits_it_at_whole_tokens() -> None:
    document = Document()
    document.replace(0, 0, "Once")
    generate(document, [" upon", " a", " time"])
    document.replace(len("Once upo"), len("Once upon"), "ff")
    kinds = [(run.text, run.generated) for run in document.runs]
    assert kinds == [("Once upoff", False), (" a time", True)]
    assert [token.id for token in document.runs[1].tokens] == [1, 2]
    assert document.runs[1].first == 1
    document.undo()
    assert [(run.text, len(run.tokens)) for run in document.runs] == [("Once", 0), (" upon a time", 3)]


def test_bytes_of_one_character_are_never_separated() -> None:
    document = Document()
    generate(document, ["a", "", "", "😀", "b"])
    document.replace(1, 1, "x")
    first, _, last = document.runs
    assert (len(first.tokens), len(last.tokens)) == (1, 4)


def test_undoing_a_generation_keeps_it_as_a_branch() -> None:
    document = Document()
    document.replace(0, 0, "Once")
    generate(document, [" upon"])
    document.undo()
    assert document.text == "Once"
    document.replace(4, 4, " there")
    generate(document, [" was"])
    assert document.text == "Once there was"
    assert not document.history.can_redo
    texts = {node.run.text for node in document.snapshot().nodes.values()}
    assert texts == {"Once", " upon", " there", " was"}


def test_regenerating_keeps_the_former_text_as_a_branch_and_undo_brings_it_back() -> None:
    document = Document()
    document.replace(0, 0, "Once")
    generate(document, [" upon"])
    document.replace(9, 9, " a time")
    generate(document, [" more"], start=document.last_generation())
    assert document.text == "Once more"
    document.undo()
    assert document.text == "Once upon a time"
    document.redo()
    assert document.text == "Once more"
    assert len(document.snapshot().nodes) == 4


def test_a_branch_keeps_the_former_text_and_undo_brings_it_back() -> None:
    document = Document()
    document.replace(0, 0, "Once")
    generate(document, [" upon", " a", " time"])
    document.branch(9, " the")
    assert document.text == "Once upon the"
    generate(document, [" hill"])
    texts = {node.run.text for node in document.snapshot().nodes.values()}
    assert texts == {"Once", " upon", " a time", " the", " hill"}
    document.undo()
    document.undo()
    assert document.text == "Once upon a time"
    assert [len(run.tokens) for run in document.runs] == [0, 3]


def test_generating_within_a_token_keeps_its_beginning_and_undo_brings_the_rest_back() -> None:
    document = Document()
    document.replace(0, 0, "Once")
    generate(document, [" upon", " a", " time"])
    assert document.begin_generation(origin(), start=len("Once up")) == "Once up"
    document.append_tokens("per", tokens(["per"]))
    document.end_generation("length", seed=1)
    kinds = [(run.text, len(run.tokens)) for run in document.runs]
    assert kinds == [("Once up", 0), ("per", 1)]
    document.undo()
    assert [(run.text, len(run.tokens)) for run in document.runs] == [("Once", 0), (" upon a time", 3)]
    document.redo()
    assert document.text == "Once upper"
    check(document)


def test_of_several_branches_one_is_used_in_one_step_and_the_others_stay() -> None:
    document = Document()
    document.replace(0, 0, "Once")
    runs = [generated([" upon", " a time"]), generated([" more"]), generated([" bitten"])]
    for run in runs:
        document.add_branches(4, [run])
    assert document.text == "Once"
    depth = document.history.depth
    document.branch(4, runs[1])
    assert document.text == "Once more"
    assert document.runs[1] == runs[1]
    assert document.history.depth == depth + 1
    document.undo()
    assert document.text == "Once"
    assert sorted(texts(document)) == ["Once bitten", "Once more", "Once upon a time"]
    document.redo()
    assert document.text == "Once more"
    document.replace(9, 9, ".")
    assert sorted(texts(document)) == ["Once bitten", "Once more.", "Once upon a time"]


def test_a_branch_within_a_token_keeps_its_beginning() -> None:
    document = Document()
    generate(document, ["Once", " upon", " a time"])
    document.add_branches(7, [generated(["date"])])
    assert sorted(texts(document)) == ["Once update", "Once upon a time"]
    assert document.text == "Once upon a time"


def test_an_edit_ends_a_running_generation_and_loses_nothing() -> None:
    document = Document()
    document.replace(0, 0, "Once")
    document.begin_generation(origin())
    document.append_tokens(" up", tokens([" upon"]))
    document.replace(7, 7, "!")
    assert document.text == "Once up!"
    assert not document.generating
    assert document.runs[1].origin is not None
    assert document.runs[1].origin.finish_reason == "cancelled"
    check(document)


def test_a_generation_that_wrote_nothing_leaves_no_trace() -> None:
    document = Document()
    document.replace(0, 0, "Once")
    before = document.runs
    document.begin_generation(origin())
    document.end_generation("cancelled")
    assert document.runs == before
    document.undo()
    assert not document.text
    assert not document.history.can_undo


def test_text_held_back_for_a_stop_string_is_cut_from_the_last_tokens() -> None:
    document = Document()
    document.begin_generation(origin())
    document.append_tokens("He said", tokens(["He", " said", "\n", "\n"]))
    document.end_generation("stop", seed=3)
    (run,) = document.runs
    assert [token.length for token in run.tokens] == [2, 5, 0, 0]
    assert run.spans() == [(0, 2), (2, 7), (7, 7), (7, 7)]


def test_typing_is_undone_a_word_at_a_time() -> None:
    document = Document()
    for position, character in enumerate("one two"):
        document.replace(position, position, character, typing=True)
    document.undo()
    assert document.text == "one "
    document.undo()
    assert document.text == ""
    document.redo()
    document.redo()
    assert document.text == "one two"


@pytest.mark.parametrize("positions", [[2, 1, 0], [0, 0, 0]])
def test_deleting_letter_by_letter_is_one_step(positions: list[int]) -> None:
    document = Document()
    document.replace(0, 0, "abc")
    for position in positions:
        document.replace(position, position + 1, "", typing=True)
    document.undo()
    assert document.text == "abc"


def test_backspacing_before_a_branch_leaves_no_chain_of_letters() -> None:
    document = Document()
    document.replace(0, 0, "abcdef")
    generate(document, ["x"])
    document.undo()
    for end in range(6, 2, -1):
        document.replace(end - 1, end, "", typing=True)
    generate(document, ["y"])
    assert sorted(node.run.text for node in document.snapshot().nodes.values()) == ["ab", "cdef", "x", "y"]


@given(st.text())
def test_clean_text_survives_any_text_widget(text: str) -> None:
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    assert not set(cleaned) & set("\r\u2028\u2029\ufffc\0")
    cleaned.encode()


def test_title_is_the_first_line_cut_at_a_word() -> None:
    document = Document()
    assert document.title == "Untitled"
    document.replace(0, 0, "\n\n  The old lighthouse keeper had not spoken to anyone in eleven years.\nMore")
    assert document.title == "The old lighthouse keeper had not spoken to…"


@pytest.mark.parametrize(
    ("text", "title"),
    [
        (
            "It was a dark night in the sunny town of Elm. There was a boy",
            "It was a dark night in the sunny town of Elm.",
        ),
        ("“Who goes there in the dark of night, my friend?” said the fox", "“Who goes there in the dark of night, my…"),
        (
            "“Who goes there in the dark of a winter night?” said the fox",
            "“Who goes there in the dark of a winter night?”",
        ),
        ("one\ttwo\x0bthree\nfour", "one two"),
        ("x" * 60, "x" * 48 + "…"),
        ("a" * 40 + " bcdefgh ij", "a" * 40 + " bcdefgh…"),
    ],
)
def test_a_title_is_one_line_and_no_ellipsis_follows_a_full_stop(text: str, title: str) -> None:
    document = Document()
    document.replace(0, 0, text)
    assert document.title == title


@pytest.mark.parametrize(
    ("text", "names", "title"),
    [
        ("\ufffc Hello\n\ufffc Good evening", ("User:", "Assistant:"), "Hello"),
        ("\ufffc \n\ufffc  Good evening", ("Anna (user, pinned):", "Assistant:"), "Good evening"),
        ("\ufffc\ufffc", ("<|endoftext|>", "User:"), "Untitled"),
        ("The \ufffc token", ("<|endoftext|>",), "The <|endoftext|> token"),
    ],
)
def test_special_tokens_that_begin_the_text_are_no_part_of_its_title(
    text: str, names: tuple[str, ...], title: str
) -> None:
    document = Document()
    document.replace(0, 0, text, special=names)
    assert document.title == title


def test_a_given_title_is_kept_with_a_document_that_has_no_text() -> None:
    document = Document()
    assert is_empty(document.snapshot())
    document.own_title = "Plans"
    assert document.title == "Plans"
    assert not is_empty(document.snapshot())


def test_it_is_known_where_undo_and_redo_changed_the_text() -> None:
    document = Document()
    document.replace(0, 0, "one two three")
    document.replace(3, 7, "")
    document.undo()
    assert document.changed_at == 7
    document.redo()
    assert document.changed_at == 3


def test_a_million_characters_are_edited_without_delay() -> None:
    document = Document()
    document.replace(0, 0, "word " * 200_000)
    for position in range(500):
        document.replace(position, position, "x", typing=True)
    assert len(document.text) == 1_000_500
    assert document.runs == [Run("x" * 500 + "word " * 200_000)]
