"""The tokenizer against transformers' and tiktoken's, and text that arrives token by token."""

import base64
import json
import subprocess
import sys
import warnings
from itertools import pairwise
from pathlib import Path

import pytest
import tiktoken
from hypothesis import given, settings
from hypothesis import strategies as st

from gptdesk.errors import UserError
from gptdesk.gpt2.tokenizer import TextStream, Tokenizer
from gptdesk.gpt2.tokenizers.openai import OpenAITokenizer, gpt2_tokenizer
from gptdesk.resource_files import resource

TEXTS = [
    "",
    " ",
    "Hello, world!",
    "It's we'll they've I'd 'tis 'S don't",
    "trailing spaces   ",
    "  leading and   inner\t\ttabs \n\n new lines\r\nCRLF\r\n\r\n",
    "\x00\x01\x1c\x1d\x1e\x1f\x7f\x85\xa0\u2028\u3000 odd white space",
    "naïve café Ångström Straße",
    "漢字かな交じり文と한국어",
    "emoji 😀👍🏽👩‍👩‍👧‍👦🇫🇷 é",
    "1234567890 3.14159 ١٢٣ Ⅷ ½",
    "<|endoftext|>",
    "a<|endoftext|><|endoftext|>b",
    "def f(x):\n    return x ** 2  # square\n",
    "supercalifragilisticexpialidocious" * 20,
]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return gpt2_tokenizer()


@pytest.fixture(scope="module")
def encoding(tokenizer: Tokenizer) -> tiktoken.Encoding:
    """tiktoken's own encoding of the ranks file, with the pattern of OpenAI's first release."""
    lines = resource("gpt2", "gpt2.tiktoken").read_text().splitlines()
    ranks = {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in lines)}
    pattern = r"""'s|'t|'re|'ve|'m|'ll|'d| ?[\p{L}]+| ?[\p{N}]+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
    return tiktoken.Encoding(
        "reference", pat_str=pattern, mergeable_ranks=ranks, special_tokens={"<|endoftext|>": 50256}
    )


@pytest.fixture(scope="module")
def reference(tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory):
    """transformers' tokenizer on a vocab.json and a merges.txt derived from the ranks."""
    from transformers import GPT2Tokenizer

    visible = [byte for byte in range(256) if chr(byte).isprintable() and chr(byte) != " "]
    letters = {byte: chr(byte) for byte in visible}
    letters |= {byte: chr(256 + n) for n, byte in enumerate(byte for byte in range(256) if byte not in letters)}

    def written(token: bytes) -> str:
        return "".join(letters[byte] for byte in token)

    tokens = [tokenizer.token_bytes(id) for id in range(50256)]
    ranks = {token: rank for rank, token in enumerate(tokens)}
    merges = []
    for token in tokens[256:]:
        parts = [token[i : i + 1] for i in range(len(token))]
        while len(parts) > 2:  # merge as the encoder does with every lower rank, until two parts are left
            _, i = min((ranks.get(a + b, 1 << 20), i) for i, (a, b) in enumerate(pairwise(parts)))
            parts[i : i + 2] = [parts[i] + parts[i + 1]]
        merges.append(" ".join(map(written, parts)))
    folder = tmp_path_factory.mktemp("tokenizer")
    vocabulary = {written(token): id for id, token in enumerate(tokens)} | {"<|endoftext|>": 50256}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges, ""]), encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return GPT2Tokenizer.from_pretrained(folder)


def test_vocabulary_is_openais(tokenizer: Tokenizer) -> None:
    assert (tokenizer.vocab_size, tokenizer.end_of_text) == (50257, 50256)
    assert tokenizer.token_bytes(0) == b"!"
    assert tokenizer.token_bytes(198) == b"\n"
    assert tokenizer.token_bytes(220) == b" "
    assert tokenizer.token_bytes(50256) == b"<|endoftext|>"
    assert tokenizer.encode("Hello world") == [15496, 995]


@pytest.mark.parametrize("text", TEXTS)
def test_encodes_as_transformers(tokenizer: Tokenizer, reference, text: str) -> None:
    special = reference(text, add_special_tokens=False)["input_ids"]
    assert tokenizer.encode(text, allow_special=True) == special
    plain = reference(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    assert tokenizer.encode(text) == plain


@given(st.text())
def test_encodes_as_tiktoken(encoding: tiktoken.Encoding, text: str) -> None:
    assert gpt2_tokenizer().encode(text) == encoding.encode(text, disallowed_special=())


@pytest.mark.parametrize("text", TEXTS)
def test_encodes_known_texts_as_tiktoken(tokenizer: Tokenizer, encoding: tiktoken.Encoding, text: str) -> None:
    assert tokenizer.encode(text) == encoding.encode_ordinary(text)
    assert tokenizer.encode(text, allow_special=True) == encoding.encode(text, allowed_special="all")


@given(
    st.lists(st.sampled_from(["a", "B", "é", "1", " ", "  ", "\n", "\u3000", "'", "s", "ll", "漢", "😀", "-", "\x1c"]))
)
def test_words_are_cut_as_in_the_first_release(encoding: tiktoken.Encoding, parts: list[str]) -> None:
    text = "".join(parts)
    assert gpt2_tokenizer().encode(text) == encoding.encode_ordinary(text)


@given(st.text())
def test_text_survives(text: str) -> None:
    tokenizer = gpt2_tokenizer()
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert tokenizer.decode(tokenizer.encode(text, allow_special=True)) == text


@given(st.binary())
def test_bytes_survive(data: bytes) -> None:
    """Every string of bytes is a string of tokens: the 256 single bytes are among them."""
    tokenizer = gpt2_tokenizer()
    byte_ids = {tokenizer.token_bytes(id): id for id in range(256)}
    ids = [byte_ids[data[i : i + 1]] for i in range(len(data))]
    assert b"".join(map(tokenizer.token_bytes, ids)) == data
    assert tokenizer.decode(ids) == data.decode("utf-8", errors="replace")


def test_the_256_single_bytes_come_first(tokenizer: Tokenizer) -> None:
    assert {tokenizer.token_bytes(id) for id in range(256)} == {bytes([byte]) for byte in range(256)}


def test_end_of_text_is_text_unless_asked(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode("<|endoftext|>") == [27, 91, 437, 1659, 5239, 91, 29]
    assert tokenizer.encode("a<|endoftext|>b", allow_special=True) == [64, 50256, 65]


def test_ids_beyond_the_vocabulary_are_nothing(tokenizer: Tokenizer) -> None:
    assert tokenizer.token_bytes(50257) == tokenizer.token_bytes(50303) == tokenizer.token_bytes(-1) == b""
    assert tokenizer.decode([64, 50300, 65]) == "ab"
    assert tokenizer.piece(50300) == ""


def test_a_piece_of_a_character_is_shown_as_replacement(tokenizer: Tokenizer) -> None:
    first, *_ = tokenizer.encode("漢")
    assert tokenizer.piece(first) == "\N{REPLACEMENT CHARACTER}"
    assert tokenizer.piece(995) == " world"


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb", "x\ud83dy"])
def test_lone_surrogates_become_replacement_characters(tokenizer: Tokenizer, text: str) -> None:
    replaced = "".join("\N{REPLACEMENT CHARACTER}" if "\ud800" <= c <= "\udfff" else c for c in text)
    assert tokenizer.decode(tokenizer.encode(text)) == replaced


@pytest.mark.timeout(60)  # merging in quadratic time, as tiktoken did up to 0.12, would take minutes
@pytest.mark.parametrize(
    "text",
    ["a" * 1_000_000, " " * 1_000_000, "\n" * 1_200_000 + "x", "漢" * 1_000_000, "x" + " \n" * 600_000 + "- " * 1_000],
    ids=["letters", "spaces", "lines", "cjk", "mixed"],
)
def test_a_million_characters_are_encoded(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text)) == text


@pytest.mark.parametrize("end", ["", "x", " x", "\n", "."])
@pytest.mark.parametrize("space", [" ", "\n", "\u3000", "\r\n"])
def test_long_white_space_is_cut_where_tiktoken_cuts(
    tokenizer: Tokenizer, encoding: tiktoken.Encoding, space: str, end: str
) -> None:
    text = "a b" + space * (600_000 // len(space)) + end
    assert tokenizer.encode(text) == encoding.encode_ordinary(text)


@settings(max_examples=300)
@given(st.text(alphabet=st.characters(min_codepoint=0x20, max_codepoint=0x1FFFF, exclude_categories=["Cs"])))
def test_stream_of_text_never_shows_a_broken_character(text: str) -> None:
    tokenizer = gpt2_tokenizer()
    stream = TextStream(tokenizer)
    shown = [stream.feed(id) for id in tokenizer.encode(text)]
    assert all(part in text for part in shown)
    assert "".join(shown) == text
    assert stream.flush() == ""


@given(st.lists(st.integers(0, 50303)))
def test_stream_of_any_tokens_is_their_text(ids: list[int]) -> None:
    tokenizer = gpt2_tokenizer()
    stream = TextStream(tokenizer)
    assert "".join([*map(stream.feed, ids), stream.flush()]) == tokenizer.decode(ids)


def test_stream_holds_back_an_emoji_until_it_is_whole(tokenizer: Tokenizer) -> None:
    stream = TextStream(tokenizer)
    ids = tokenizer.encode("👍🏽")
    assert len(ids) > 2
    parts = [stream.feed(id) for id in ids]
    assert [part for part in parts if part] == ["👍", "🏽"]


def test_stream_gives_up_an_unfinished_character_at_the_end(tokenizer: Tokenizer) -> None:
    stream = TextStream(tokenizer)
    assert stream.feed(tokenizer.encode("漢")[0]) == ""
    assert stream.flush() == "\N{REPLACEMENT CHARACTER}"
    assert stream.flush() == ""


def test_damaged_ranks_are_refused(tmp_path: Path) -> None:
    damaged = tmp_path / "gpt2.tiktoken"
    damaged.write_bytes(resource("gpt2", "gpt2.tiktoken").read_bytes()[:-1])
    with pytest.raises(UserError, match="damaged"):
        OpenAITokenizer(damaged)


def test_missing_ranks_are_reported(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        OpenAITokenizer(tmp_path / "gpt2.tiktoken")


def test_import_needs_no_torch() -> None:
    code = (
        "import sys; from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer; gpt2_tokenizer();"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=600).returncode == 0


def test_threads_that_need_the_tokenizer_at_once_share_one() -> None:
    code = """
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
begin = Barrier(4)

def get(_):
    begin.wait()
    return gpt2_tokenizer()

with ThreadPoolExecutor(4) as threads:
    print(len(set(map(id, list(threads.map(get, range(4)))))))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n", "each costs 18 MB for as long as its model is loaded"
