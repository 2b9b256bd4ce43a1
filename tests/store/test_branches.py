"""Branches of a document: none is lost or changed by what is done to another one, and every text comes back."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.store.branches.history import Removal
from gptdesk.store.branches.nodes import ROOT
from gptdesk.store.branches.outline import Segment, fork_at
from gptdesk.store.database import Database
from gptdesk.store.document import Document
from gptdesk.store.runs import Origin, Run, Token

PIECES = st.lists(st.sampled_from(["a", "b ", "😀"]), min_size=1, max_size=4)
TEXT = st.text(st.sampled_from("ab "), max_size=4)
count = iter(range(10**9))


def generate(document: Document, pieces: list[str], *, start: int | None = None) -> None:
    document.begin_generation(Origin(generation=f"generation {next(count)}", model="tiny"), start=start)
    for id, piece in enumerate(pieces):
        document.append_tokens(piece, [Token(id, len(piece), -1.0 - id)])
    document.end_generation("length", seed=1)


def text_to(document: Document, id: int) -> str:
    nodes, text = document.snapshot().nodes, ""
    while id != ROOT:
        text = nodes[id].run.text + text
        id = nodes[id].parent
    return text


def ends(document: Document, *, but_shown: bool = False) -> set[str]:
    """The texts of all branches."""
    snapshot = document.snapshot()
    inner = {node.parent for node in snapshot.nodes.values()}
    shown = {snapshot.leaf} if but_shown else set()
    return {text_to(document, id) for id in snapshot.nodes.keys() - inner - shown}


def bookmarks(document: Document) -> dict[str, str]:
    """Text up to each bookmark, by its name."""
    nodes = document.snapshot().nodes.values()
    return {node.bookmark: text_to(document, node.id) for node in nodes if node.bookmark is not None}


def segments(document: Document) -> list[tuple[str, bool]]:
    """Text of each segment, and whether it is shown."""
    return [(segment.text, segment.shown) for segment in document.outline.segments.values()]


def segment(document: Document, text: str) -> Segment:
    (found,) = [each for each in document.outline.segments.values() if each.text == text]
    return found


class Branching(RuleBasedStateMachine):
    """Edits, generations, branches, walks, removals, undo, redo and saving in any order."""

    @initialize()
    def start(self) -> None:
        self.document = Document()
        self.done: list[str] = []
        self.undone: list[str] = []

    def did(self, before: str) -> None:
        """Records that one step has changed the text."""
        self.done.append(before)
        self.undone.clear()

    @property
    def text(self) -> str:
        return self.document.text

    @rule(data=st.data(), inserted=TEXT)
    def edit(self, data: st.DataObject, inserted: str) -> None:
        before, others = self.text, ends(self.document, but_shown=True)
        start = data.draw(st.integers(0, len(before)))
        end = data.draw(st.integers(start, min(len(before), start + 4)))
        self.document.replace(start, end, inserted)
        assert self.text == before[:start] + inserted + before[end:]
        assert others <= ends(self.document)
        if start < end or inserted:
            self.did(before)

    @rule(pieces=PIECES, again=st.booleans())
    def generate(self, pieces: list[str], again: bool) -> None:
        start = self.document.last_generation() if again else None
        before, others = self.text, ends(self.document, but_shown=start is None)
        depth, runs = self.document.history.depth, self.document.runs
        generate(self.document, pieces, start=start)
        assert self.text == before[:start] + "".join(pieces)
        assert others <= ends(self.document)
        if self.document.history.depth > depth:
            self.did(before)
        else:
            assert self.document.runs == runs

    @rule(data=st.data(), inserted=TEXT.filter(bool))
    def branch(self, data: st.DataObject, inserted: str) -> None:
        before, all = self.text, ends(self.document)
        self.document.branch(data.draw(st.integers(0, len(before))), inserted)
        assert all <= ends(self.document) | {before}
        self.did(before)

    @precondition(lambda self: self.document.outline.segments)
    @rule(data=st.data())
    def walk(self, data: st.DataObject) -> None:
        before, all = self.text, ends(self.document)
        wanted = data.draw(st.sampled_from(sorted(self.document.outline.segments)))
        if self.document.go_to(wanted):
            assert wanted in self.document._tree.path  # its segment may be one with the former end of the text now
            self.did(before)
        assert ends(self.document) == all

    @precondition(lambda self: self.document.outline.segments)
    @rule(data=st.data())
    def prune(self, data: st.DataObject) -> None:
        before, all = self.text, ends(self.document)
        if self.document.prune(data.draw(st.sampled_from(sorted(self.document.outline.segments)))):
            text, left = self.text, ends(self.document)
            self.document.undo()
            assert self.text == before
            assert all <= ends(self.document)
            self.document.redo()
            assert (self.text, ends(self.document)) == (text, left)
            self.did(before)

    @rule(data=st.data())
    def name(self, data: st.DataObject) -> None:
        ids = sorted(self.document.outline.segments)
        if ids:
            self.document.set_bookmark(data.draw(st.sampled_from(ids)), data.draw(st.sampled_from(["", "one", "two"])))

    @rule(times=st.integers(1, 4))
    def undo(self, times: int) -> None:
        for _ in range(times):
            before, others = self.text, ends(self.document, but_shown=True)
            assert self.document.undo() == bool(self.done)
            if self.done:
                self.undone.append(before)
                assert self.text == self.done.pop()
                assert others <= ends(self.document)

    @rule(times=st.integers(1, 4))
    def redo(self, times: int) -> None:
        for _ in range(times):
            before, others = self.text, ends(self.document, but_shown=True)
            removes = self.undone and isinstance(self.document.history._undone[-1], Removal)
            assert self.document.redo() == bool(self.undone)
            if self.undone:
                self.done.append(before)
                assert self.text == self.undone.pop()
                assert removes or others <= ends(self.document)

    @rule()
    def save_and_load(self) -> None:
        database = Database(None)
        database.save(self.document.snapshot())
        snapshot = database.load(self.document.id)
        database.close()
        loaded = Document(snapshot)
        assert ends(loaded) == ends(self.document)
        assert bookmarks(loaded) == bookmarks(self.document)
        assert segments(loaded) == segments(self.document)
        assert loaded.forks == self.document.forks

    @invariant()
    def holds_together(self) -> None:
        tree, outline = self.document._tree, self.document.outline
        for id, node in tree.nodes.items():
            assert tree.children(node.parent).count(id) == 1
        assert sum(len(tree.children(id)) for id in [ROOT, *tree.nodes]) == len(tree.nodes)
        assert "".join(each.text for each in outline.segments.values() if each.shown) == self.text
        assert sorted(node for each in outline.segments.values() for node in each.nodes) == sorted(tree.nodes)
        for fork in self.document.forks:
            assert fork.shown is None or outline.segments[fork.branches[fork.shown]].shown


TestBranching = Branching.TestCase
TestBranching.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)


@pytest.fixture
def document() -> Document:
    """ "Once", and three generations behind it, of which the last one is shown."""
    document = Document()
    document.replace(0, 0, "Once")
    for piece in (" upon", " there", " more"):
        generate(document, [piece], start=document.last_generation())
    return document


def test_each_generation_is_a_branch_that_can_be_shown_and_left_again(document: Document) -> None:
    (fork,) = document.forks
    assert (fork.start, fork.end, fork.shown) == (4, 9, 2)
    shown = []
    for id in fork.branches:
        document.go_to(id)
        shown.append(document.text)
    assert shown == ["Once upon", "Once there", "Once more"]
    assert len(document.snapshot().nodes) == 4


def test_undo_goes_back_to_the_branch_that_was_shown_and_redo_returns(document: Document) -> None:
    first, second, _ = document.forks[0].branches
    document.go_to(second)
    document.go_to(first)
    assert not document.go_to(first)
    document.undo()
    assert document.text == "Once there"
    assert document.changed_at == len("Once there")
    document.undo()
    assert document.text == "Once more"
    document.redo()
    assert document.text == "Once there"


def test_what_is_generated_the_same_again_leaves_one_branch_and_nothing_to_undo(document: Document) -> None:
    before, runs, depth = segments(document), document.runs, document.history.depth
    generate(document, [" more"], start=4)
    assert (segments(document), document.runs) == (before, runs)
    assert document.history.depth == depth
    document.undo()
    assert document.text == "Once there"
    document.redo()
    assert (segments(document), document.runs) == (before, runs)


def test_what_another_branch_holds_is_that_branch_and_undo_and_redo_are_exact(document: Document) -> None:
    first = document.forks[0].branches[0]
    generate(document, [" upon"], start=4)
    assert document.outline.leaf == first
    assert len(document.outline.segments) == 4
    document.replace(9, 9, " a time")
    assert ends(document) == {"Once upon a time", "Once there", "Once more"}
    shown = []
    for turn in (*[document.undo] * 2, *[document.redo] * 2):
        turn()
        shown.append(document.text)
    assert shown == ["Once upon", "Once more", "Once upon", "Once upon a time"]
    assert ends(document) == {"Once upon a time", "Once there", "Once more"}


def test_text_behind_what_is_generated_the_same_again_stays_and_is_not_changed(document: Document) -> None:
    document.replace(9, 9, "!")
    nodes = len(document.snapshot().nodes)
    generate(document, [" more"], start=4)
    assert document.text == "Once more"
    assert len(document.snapshot().nodes) == nodes
    document.replace(9, 9, "?")
    document.replace(5, 6, "M")
    assert ends(document) == {"Once upon", "Once there", "Once more!", "Once more?", "Once More?"}
    for text in ("Once more?", "Once more", "Once more!"):
        document.undo()
        assert document.text == text


@pytest.mark.parametrize(
    ("origin", "pieces", "reason"),
    [
        (Origin(generation="x", model="small"), [" more"], "length"),
        (Origin(generation="x", model="tiny", settings=DecodingSettings(top_k=1)), [" more"], "length"),
        (Origin(generation="x", model="tiny"), [" mo", "re"], "length"),
        (Origin(generation="x", model="tiny"), [" more"], "cancelled"),
    ],
    ids=["another model", "other settings", "other tokens", "cut off"],
)
def test_a_branch_of_the_same_characters_that_was_made_otherwise_stays(
    document: Document, origin: Origin, pieces: list[str], reason: str
) -> None:
    document.begin_generation(origin, start=4)
    for id, piece in enumerate(pieces):
        document.append_tokens(piece, [Token(id, len(piece), -1.0)])
    document.end_generation(reason)
    assert len(document.forks[0].branches) == 4
    document.undo()
    assert document.forks[0].shown == 2


def test_a_seed_that_gives_the_same_text_leaves_no_second_branch(document: Document) -> None:
    seeded = Origin(generation="x", model="tiny", settings=DecodingSettings(seed=5), weights="abc")
    document.begin_generation(seeded, start=4)
    document.append_tokens(" more", [Token(0, 5, -1.0)])
    document.end_generation("length", seed=5)
    assert len(document.forks[0].branches) == 3


def test_an_edit_of_one_branch_leaves_the_text_of_another_one_alone(document: Document) -> None:
    document.go_to(document.forks[0].branches[0])
    document.replace(9, 9, " a time")
    document.replace(0, 1, "o")
    document.replace(2, 2, "x", typing=True)
    assert document.text == "onxce upon a time"
    assert ends(document) == {"Once upon a time", "Once there", "Once more", "onxce upon a time"}
    for _ in range(3):
        document.undo()
    assert document.text == "Once upon"
    assert ends(document) == {"Once upon", "Once there", "Once more"}


def test_an_edit_before_a_fork_that_is_undone_leaves_no_second_copy(document: Document) -> None:
    before = segments(document)
    document.replace(2, 2, "x")
    assert ("xce more", True) in segments(document)
    document.undo()
    assert document.text == "Once more"
    assert len(ends(document)) == 3
    document.redo()
    assert document.text == "Onxce more"
    document.undo()
    document._tree.compact()
    document.revision += 1
    assert segments(document) == before


def test_text_that_is_typed_anew_is_never_the_end_of_another_branch() -> None:
    document = Document()
    document.replace(0, 0, "Once")
    document.branch(4, " upon")
    document.undo()
    document.replace(4, 4, " upon")
    document.replace(9, 9, "!")
    document.undo()
    document.undo()
    assert ends(document) == {"Once upon"}


def test_a_branch_that_was_left_further_down_is_shown_there_again() -> None:
    document = Document()
    document.replace(0, 0, "A")
    for piece in ("b", "c"):
        generate(document, [piece], start=document.last_generation())
    for piece in ("d", "e", "f"):
        document.branch(2, piece)
    document.go_to(document.forks[1].branches[1])
    assert document.text == "Ace"
    other, this = document.forks[0].branches
    document.go_to(other)
    assert document.text == "Ab"
    document.go_to(this)
    assert document.text == "Ace"


def test_single_tokens_one_after_the_other_are_one_segment() -> None:
    document = Document()
    document.replace(0, 0, "One")
    for piece in (" two", " three", " four"):
        generate(document, [piece])
    (only,) = document.outline.segments.values()
    assert only.text == "One two three four"
    assert len(only.nodes) == 4
    assert only.mean_logprob == -1.0
    assert document.forks == []


def test_what_was_undone_can_be_shown_from_where_the_text_ends() -> None:
    document = Document()
    document.replace(0, 0, "One")
    generate(document, [" two"])
    document.undo()
    assert segments(document) == [("One", True), (" two", False)]
    (fork,) = document.forks
    assert (fork.start, fork.end, fork.shown) == (3, 3, None)
    document.go_to(fork.branches[0])
    assert document.text == "One two"
    document.undo()
    assert document.text == "One"


def test_branches_keep_their_order_when_one_parts_further_down() -> None:
    document = Document()
    document.replace(0, 0, "A")
    for text in ("bcd", "x"):
        document.branch(1, text)
    document.go_to(document.forks[0].branches[0])
    document.branch(2, "y")
    assert [text_to(document, id) for id in document.forks[0].branches] == ["Ab", "Ax"]
    assert document.forks[0].shown == 0
    assert Document(document.snapshot()).forks == document.forks


@pytest.mark.parametrize(("pruned", "shown"), [(0, "Once more"), (2, "Once there")])
def test_a_branch_is_removed_and_comes_back_with_all_below_it(document: Document, pruned: int, shown: str) -> None:
    document.set_bookmark(document.forks[0].branches[pruned], "kept")
    before, text, marks = segments(document), document.text, bookmarks(document)
    assert document.prune(document.forks[0].branches[pruned])
    assert document.text == shown
    assert len(document.outline.segments) == 3
    assert bookmarks(document) == {}
    document.replace(0, 0, "- ")
    document.undo()
    document.undo()
    assert document.text == text
    assert segments(document) == before
    assert bookmarks(document) == marks
    document.redo()
    assert document.text == shown


def test_a_branch_that_is_shown_gives_way_to_the_next_one_and_undo_returns(document: Document) -> None:
    first, second, _ = document.forks[0].branches
    document.go_to(first)
    assert document.prune(first)
    assert document.text == "Once there"
    document.undo()
    assert document.text == "Once upon"
    document.redo()
    assert document.text == "Once there"
    assert document.forks[0].branches[0] == second


def test_a_branch_whose_nodes_were_merged_meanwhile_is_removed_by_redo() -> None:
    document = Document()
    document.replace(0, 0, "ab")
    document.branch(1, "c")
    document.branch(0, "zz")
    document.prune(segment(document, "c").id)
    document.prune(segment(document, "ab").id)
    document.undo()
    document.add_branches(2, [Run("y", (Token(0, 1, -1.0),), Origin(generation="other", model="tiny"))])
    assert ends(document) == {"ab", "zzy"}
    document.redo()
    assert ends(document) == {"zzy"}
    document.undo()
    assert ends(document) == {"ab", "zzy"}


def test_redoing_a_removal_spares_a_branch_that_begins_alike() -> None:
    document = Document()
    document.branch(0, "ab")
    document.branch(1, "ab")
    document.replace(1, 2, "")
    shown = document.snapshot().leaf
    generate(document, ["c"])
    assert ends(document) == {"ab", "abc"}
    for act in (lambda: document.prune(shown), document.undo, document.redo):
        act()
    assert (document.text, ends(document)) == ("ab", {"ab"})


def test_completions_that_are_the_same_are_one_branch(document: Document) -> None:
    alike = [
        Run(" too", (Token(5, 4, -1.0),), Origin(generation=name, model="tiny", seed=seed, finish_reason="length"))
        for seed, name in enumerate("xyz")
    ]
    document.add_branches(4, alike)
    document.add_branches(4, alike[1:])
    assert len(document.forks[0].branches) == 4
    document.branch(4, alike[2])
    assert len(document.forks[0].branches) == 4
    assert document.text == "Once too"
    document.undo()
    document.redo()
    assert (document.text, len(document.forks[0].branches)) == ("Once too", 4)


def test_a_branch_that_an_edit_left_is_left_again_when_the_edit_is_redone() -> None:
    document = Document()
    document.replace(0, 0, "q")
    document.replace(0, 0, "q")
    generate(document, ["g"], start=1)
    document.replace(0, 2, "q")
    before = ends(document)
    assert "qg" in before
    for _ in range(3):
        document.undo()
    for _ in range(3):
        document.redo()
    assert document.text == "q"
    assert ends(document) == before


def test_the_only_branch_is_not_removed() -> None:
    document = Document()
    document.replace(0, 0, "One")
    assert not document.prune(document.outline.leaf or 0)
    assert not document.prune(77)
    assert document.text == "One"


def test_a_bookmark_stays_at_the_end_of_its_text_when_that_is_parted() -> None:
    document = Document()
    document.replace(0, 0, "Once")
    generate(document, [" upon", " a", " time"])
    document.set_bookmark(document.outline.leaf or 0, " the\n end ")
    document.branch(9, " the")
    assert bookmarks(document) == {"the end": "Once upon a time"}
    assert segment(document, " a time").bookmark == "the end"
    document.undo()
    document.replace(0, 0, "- ")
    assert bookmarks(document) == {"the end": "Once upon a time"}
    document.undo()
    document.prune(segment(document, " the").id)
    document.replace(9, 9, ",")
    assert bookmarks(document) == {"the end": "Once upon, a time"}
    document.set_bookmark(document.outline.leaf or 0, None)
    assert bookmarks(document) == {}


def test_bookmarks_are_saved_and_copied(document: Document) -> None:
    document.set_bookmark(document.forks[0].branches[0], "good")
    database = Database(None)
    database.save(document.snapshot())
    copy = database.catalog.duplicate(document.id)
    for id in (document.id, copy or ""):
        opened = database.open(id)
        assert opened is not None
        assert opened.problem == ""
        assert bookmarks(Document(opened.snapshot)) == {"good": "Once upon"}
    database.close()


@pytest.mark.parametrize(("caret", "start"), [(0, 4), (4, 4), (5, 4), (9, 4), (10, 9), (12, 9)])
def test_the_fork_at_the_caret_is_that_of_the_character_before_it(document: Document, caret: int, start: int) -> None:
    generate(document, ["one"])
    document.branch(9, "two")
    fork = fork_at(document.forks, caret)
    assert fork is not None
    assert fork.start == start


def test_a_text_without_forks_has_none_at_the_caret() -> None:
    assert fork_at(Document().forks, 0) is None
