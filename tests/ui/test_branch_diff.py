"""What the comparison of two branches marks as shared and as different."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from gptdesk.ui.playground.branches.comparison.sheet import lines_of
from gptdesk.ui.playground.branches.comparison.word_diff import Part, compare

TEXTS = st.text(alphabet="ab \n.é", max_size=30)


@settings(max_examples=60, deadline=None)
@given(TEXTS, TEXTS)
def test_the_parts_add_up_to_both_texts(left: str, right: str) -> None:
    parts = compare(left, right)
    assert "".join(part.left for part in parts) == left
    assert "".join(part.right for part in parts) == right
    assert all(part.left or part.right for part in parts)
    assert all(one.same != two.same for one, two in itertools.pairwise(parts))


@settings(max_examples=60, deadline=None)
@given(TEXTS, TEXTS)
def test_the_lines_hold_all_parts_of_short_texts(left: str, right: str) -> None:
    lines = lines_of(compare(left, right))
    assert "".join(part.left for line in lines for part in line.parts).replace("\n", "") == left.replace("\n", "")
    assert "".join(part.right for line in lines for part in line.parts).replace("\n", "") == right.replace("\n", "")


def test_whole_words_are_marked_and_not_letters() -> None:
    assert compare("the old king slept long", "the old kind slept long") == [
        Part("the old", "the old"),
        Part(" king", " kind"),
        Part(" slept long", " slept long"),
    ]


def test_a_text_and_its_beginning_differ_by_the_rest() -> None:
    assert compare("Once upon", "Once upon a time") == [Part("Once upon", "Once upon"), Part("", " a time")]
    assert compare("same", "same") == [Part("same", "same")]


def test_words_that_agree_by_chance_between_different_passages_are_not_shared() -> None:
    left = "It began. Then the tall soldiers marched into the valley, singing songs of home."
    right = "It began. A grey cat slept quietly under the oven and dreamt about fresh milk."
    shared, different = compare(left, right)[:2]
    assert shared.same
    assert different.left.lstrip().startswith("Then the tall")
    assert "songs of home" in different.left


def test_long_texts_are_compared_by_sentences_first() -> None:
    sentences = [f"This is sentence number {number} of a long text." for number in range(900)]
    other = [*sentences[:300], "Here another one stands.", *sentences[300:600], *sentences[601:]]
    parts = compare(" ".join(["Left", *sentences, "left"]), " ".join(["Right", *other, "right"]))
    different = [(part.left.strip(), part.right.strip()) for part in parts if not part.same]
    assert different == [
        ("Left", "Right"),
        ("", "Here another one stands."),
        (sentences[600], ""),
        ("left", "right"),
    ]


def test_endless_texts_without_anything_shared_are_one_difference() -> None:
    left = "".join(f". a{number}" for number in range(3_000))
    right = "".join(f". b{number}" for number in range(3_000))
    assert compare(left, right) == [Part(".", "."), Part(left[1:], right[1:])]


def test_long_shared_stretches_are_shortened_around_differences() -> None:
    long = "word " * 1_000
    before, behind = lines_of([Part(long, long), Part("king", "cat"), Part(long, long)])
    assert before.left_out == behind.left_out == len(long) - 400
    assert [part.same for part in before.parts] == [True, False, True]
    assert behind.parts == ()
