"""Text in which special tokens stand: its ids, and how it is kept."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from gptdesk.gpt2.layout import read_config
from gptdesk.gpt2.mixed_text import (
    PLACEHOLDER,
    MixedText,
    can_stand_in_text,
    encode_mixed,
    parse_delimited,
    spans_mixed,
)
from gptdesk.gpt2.tokenizers.loading import load_tokenizer
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from tests.gpt2.tokenizers.folders import make_folder

END = "<|endoftext|>"
TEXTS = st.text(st.characters(exclude_characters=PLACEHOLDER, exclude_categories=["Cs"]))


def mixed(*parts: str) -> MixedText:
    """Plain text and names of special tokens in turn."""
    return MixedText(PLACEHOLDER.join(parts[::2]), parts[1::2])


@pytest.mark.parametrize(
    ("kind", "name"), [("gpt2", END), ("added", "<|user|>"), ("decoder", "<|pad|>"), ("word_pieces", "[SEP]")]
)
def test_special_tokens_in_a_text_get_the_ids_that_transformers_gives_their_names(
    tmp_path: Path, kind: str, name: str
) -> None:
    folder = make_folder(tmp_path / kind, kind)
    ours, theirs = load_tokenizer(folder, read_config(folder)), AutoTokenizer.from_pretrained(folder)
    for parts in (("One", name, " two.", name, "", name, "three  \n"), ("", name, ""), (" Es war", name, "café")):
        text = mixed(*parts)
        ids = encode_mixed(ours, text)
        assert ids == theirs.encode(text.spelled, add_special_tokens=False)
        assert ids.count(ours.special_tokens[name]) == len(text.names)


def test_a_name_that_was_typed_stays_text_beside_the_token() -> None:
    ours = gpt2_tokenizer()
    plain = ours.encode(f"say {END} ")
    assert encode_mixed(ours, mixed(f"say {END} ", END, "x")) == [*plain, 50256, *ours.encode("x")]
    assert encode_mixed(ours, f"say {END} ") == plain


def test_a_special_token_of_another_model_is_read_as_text() -> None:
    ours = gpt2_tokenizer()
    assert encode_mixed(ours, mixed("a", "<|user|>", "b")) == ours.encode("a<|user|>b")
    expected = [*ours.encode("a<|user|>b"), 50256, *ours.encode("c")]
    assert encode_mixed(ours, mixed("a", "<|user|>", "b", END, "c")) == expected


@pytest.mark.parametrize("kind", ["added", "decoder", "word_pieces"])
def test_each_token_has_its_characters_and_a_special_one_has_one(tmp_path: Path, kind: str) -> None:
    folder = make_folder(tmp_path / kind, kind)
    ours = load_tokenizer(folder, read_config(folder))
    name = next(iter(ours.special_tokens))
    for plain in ("Es war einmal 🙂 ", f"{name} typed "):  # the second is encoded part by part
        text = mixed(plain, name, "", "<|other|>", " eine", name, "")
        ids, spans = encode_mixed(ours, text), spans_mixed(ours, text)
        assert len(spans) == len(ids)
        places = [span for id, span in zip(ids, spans, strict=True) if id == ours.special_tokens[name]]
        expected = [index for index, letter in enumerate(text.text) if letter == PLACEHOLDER]
        assert places == [(expected[0], expected[0] + 1), (expected[2], expected[2] + 1)]
        other = [text.text[first:last] for first, last in spans if first <= expected[1] < last]
        assert set(other) == {PLACEHOLDER}


def test_unknown_characters_are_no_special_tokens_of_the_text(tmp_path: Path) -> None:
    """BERT's vocabularies have a special token for what they do not know."""
    folder = make_folder(tmp_path / "pieces", "word_pieces")
    ours = load_tokenizer(folder, read_config(folder))
    ids = encode_mixed(ours, mixed("Es ⚄ ", "[CLS]", " war ⚄"))
    assert ids == [*ours.encode("Es ⚄"), ours.special_tokens["[CLS]"], *ours.encode("war ⚄")]


@given(st.lists(st.one_of(TEXTS, st.sampled_from([END, "[SEP]", "< >"]).map(lambda name: (name,)))))
def test_names_between_placeholders_come_back(parts: list[str | tuple[str]]) -> None:
    text = MixedText()
    for part in parts:
        text += MixedText(PLACEHOLDER, part) if isinstance(part, tuple) else MixedText(part)
    assert parse_delimited(text.delimited) == text
    assert text.spelled == "".join(part[0] if isinstance(part, tuple) else part for part in parts)
    for cut in range(len(text) + 1):
        assert text[:cut] + text[cut:] == text


@given(st.text(st.sampled_from([PLACEHOLDER, "a", "\n", "\r", " "])))
def test_any_text_is_read_and_every_name_can_stand_in_text(kept: str) -> None:
    assert all(map(can_stand_in_text, parse_delimited(kept).names))
