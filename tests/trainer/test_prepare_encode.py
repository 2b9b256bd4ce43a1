"""The fast encoder gives the tokenizer's own ids, whatever the text."""

import lzma
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from trainer.prepare.encoding import pieces
from trainer.prepare.encoding.encode import BatchEncoder

TOKENIZER = gpt2_tokenizer()
ENCODER = BatchEncoder(TOKENIZER)
DATA = Path(__file__).parents[3] / "shared" / "data"


def expected(document: tuple[str, ...]) -> list[int]:
    return [*(id for segment in document for id in TOKENIZER.encode(segment)), TOKENIZER.end_of_text]


def check(documents: list[tuple[str, ...]], encoder: BatchEncoder = ENCODER) -> None:
    encoded = encoder.encode([tuple(segment.encode() for segment in document) for document in documents])
    parts = np.split(encoded.tokens, np.cumsum(encoded.lengths))[:-1]
    assert [part.tolist() for part in parts] == [expected(document) for document in documents]
    assert encoded.mask().tolist() == [learnt for document in documents for learnt in expected_mask(document)]


def expected_mask(document: tuple[str, ...]) -> list[bool]:
    """Segments are given and learnt in turn; the last one is learnt, and with it the end of the document."""
    mask = []
    for i, segment in enumerate(document):
        mask += [(len(document) - 1 - i) % 2 == 0] * len(TOKENIZER.encode(segment))
    return [*mask, True]


# What decides where pieces end: letters, digits, quotes of contractions, signs, every sort of white space, and
# characters beyond ASCII that are letters, digits, signs or white space themselves.
TELLING = st.text(
    st.sampled_from("aZslvermtd'09.,-! \n\r\t\v\f\0\x1c\x85\xa0\u2003\u2028\u3000éß’“…²½Ⅷ٣漢😀\ufeff\u0301\u180e<|>"),
    max_size=40,
)
ANY = st.text(st.characters(exclude_categories=["Cs"]))

# Documents with much beyond ASCII go another way, so some are thinned out.
THIN = " thin" * 1_000
SEGMENTS = st.lists(st.one_of(TELLING, ANY), min_size=1, max_size=5).map(tuple)
MAYBE_THIN = st.one_of(SEGMENTS, SEGMENTS.map(lambda segments: (*segments[:-1], segments[-1] + THIN)))


@settings(max_examples=300)
@given(st.lists(MAYBE_THIN, max_size=6))
@example([("don't we'll I've they're it's 'tis ''s 's's 'LL a'b'd",)])
@example([(" ",), ("",), ("", ""), ("a ", " b"), ("\n\n ",), ("x\n\n  y",), ("  \n \t z",)])
@example([("caf\u00e9 na\u00efve",), ("\u00a0 x  \u00a0y",), ("é  '",), ("’s don’t “so”",)])
@example([("<|endoftext|>",), ("a<|endoftext|>b",), ("\0", "a\0b")])
@example([("x" * 17 + " " + "y" * 16 + " " + "z" * 15,), ("-" * 40,), (" " * 50 + "if",), ("1" * 30,)])
def test_any_documents_become_the_tokenizers_own_ids(documents: list[tuple[str, ...]]) -> None:
    check(documents)


def test_every_character_next_to_letters_digits_signs_and_white_space() -> None:
    characters = [chr(code) for code in range(0x3100) if not 0xD800 <= code < 0xE000]
    contexts = [f"a{c}b {c} 1{c}2  {c}\n{c}! {c}" for c in characters]
    for filler in ("", THIN):
        check([("".join(contexts[i : i + 16]) + filler,) for i in range(0, len(contexts), 16)])


def test_a_corpus() -> None:
    """Long documents, over many batches; half of them have a prompt."""
    file = DATA / "stories-val.txt.xz"
    if not file.exists():
        pytest.skip("the story corpus is not here")
    with lzma.open(file, "rt", encoding="utf-8") as stream:
        texts = stream.read(2_000_000).split("<|endoftext|>")
    check([(text,) if i % 2 else (text[:99], text[99:]) for i, text in enumerate(texts)])


def test_a_table_that_is_full_starts_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = BatchEncoder(TOKENIZER)
    monkeypatch.setattr(pieces, "_MOST_ENTRIES", 52_000)
    monkeypatch.setattr(pieces, "_MOST_LONG", 10)
    rng = random.Random(0)
    for _ in range(5):
        words = ["".join(rng.choices("abcdefghij", k=rng.choice([6, 12, 30]))) for _ in range(1_000)]
        check([(" ".join(words),)] * 2, encoder)
    assert encoder._table._entries <= 52_000


def test_pieces_that_a_table_knew_before_it_started_anew_keep_their_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = BatchEncoder(TOKENIZER)
    words = [f" {i}th" for i in range(100_000, 102_000)]
    check([("".join(words[:1_000]),)], encoder)
    monkeypatch.setattr(pieces, "_MOST_ENTRIES", 52_000)
    check([("".join(words),)], encoder)


def test_a_document_with_more_pieces_than_the_table_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "_MOST_ENTRIES", 50_500)
    encoder = BatchEncoder(TOKENIZER)
    check([("".join(f" {i}th" for i in range(100_000, 103_000)),)] * 2, encoder)


def test_no_documents() -> None:
    encoded = ENCODER.encode([])
    assert (encoded.tokens.size, encoded.lengths.size, encoded.loss_mask) == (0, 0, None)


def test_plain_text_carries_no_mask() -> None:
    assert ENCODER.encode([(b"a",), (b"b\0",)]).loss_mask is None
