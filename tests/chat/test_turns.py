"""Turns in the text of a document: what is written is read again, whatever a message contains."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptdesk.chat.turns import ChatTurn, is_chat, marker_of, placed_turns, read_marker, spoken, to_name, written
from gptdesk.gpt2.mixed_text import PLACEHOLDER, MixedText, can_stand_in_text
from gptdesk.store.runs import clean

TEXTS = st.text(max_size=20).map(clean)
NAMES = (
    st.just("") | st.sampled_from(["User", "Anna (user)", "A: b", "x (user, pinned):", "System"]) | st.text(max_size=9)
)
TURNS = st.builds(ChatTurn, st.sampled_from(["system", "user", "assistant"]), TEXTS, NAMES.map(to_name), st.booleans())


@given(st.lists(TURNS, min_size=1, max_size=6))
def test_turns_that_are_written_are_read_again(turns: list[ChatTurn]) -> None:
    mixed = written(turns)
    placed = placed_turns(mixed)
    assert spoken(placed) == turns
    assert is_chat(mixed)
    assert [mixed.text[one.begin : one.end] for one in placed] == [turn.text for turn in turns]
    assert all(mixed.text[one.start] == PLACEHOLDER for one in placed)


@given(TURNS)
def test_a_marker_can_be_saved_and_says_who_speaks(turn: ChatTurn) -> None:
    marker = marker_of(turn)
    assert can_stand_in_text(marker)
    assert read_marker(marker) == ChatTurn(turn.role, "", turn.name, turn.pinned)


@pytest.mark.parametrize(
    "name",
    ["<|endoftext|>", "Anna:", "User", "", ":", "Anna (king):", "A (user, user):", " (user):", "A (user, system):"],
)
def test_other_special_tokens_are_no_markers(name: str) -> None:
    assert read_marker(name) is None
    assert name == "" or not is_chat(MixedText(PLACEHOLDER, (name,)))


def test_a_model_reads_a_document_with_the_names_as_text() -> None:
    turns = [ChatTurn("user", "Hello"), ChatTurn("assistant", "Hi", "Bob", pinned=True)]
    assert written(turns).spelled == "User: Hello\nBob (assistant, pinned): Hi"


def test_special_tokens_in_a_message_are_the_text_of_their_names() -> None:
    mixed = written([ChatTurn("user", "a")]) + MixedText(f"b{PLACEHOLDER}", ("<|endoftext|>",))
    assert spoken(placed_turns(mixed)) == [ChatTurn("user", "ab<|endoftext|>")]


def test_text_before_the_first_turn_is_the_systems() -> None:
    mixed = MixedText("Be kind.\n") + written([ChatTurn("user", "Hello")])
    assert spoken(placed_turns(mixed)) == [ChatTurn("system", "Be kind."), ChatTurn("user", "Hello")]


def test_a_text_without_turns_is_no_chat() -> None:
    assert not is_chat(MixedText("User: Hello"))
    assert placed_turns(MixedText("User: Hello")) == []
