"""Tokenizer files that are damaged or contradict each other: one sentence, and nothing else."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gptdesk.errors import UserError
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.layout import read_config
from gptdesk.gpt2.tokenizers.folder_files import LARGEST
from gptdesk.gpt2.tokenizers.loading import brings_tokenizer, load_tokenizer
from gptdesk.gpt2.tokenizers.openai import RANKS_SHA256
from tests.gpt2.tokenizers.folders import make_folder, write_json

Change = Callable[[dict[str, Any]], object]


def load(folder: Path) -> Any:
    return load_tokenizer(folder, read_config(folder))


def changed(folder: Path, name: str, change: Change) -> Path:
    """A folder one of whose JSON files was changed."""
    value = json.loads((folder / name).read_text(encoding="utf-8"))
    change(value)
    write_json(folder / name, value)
    return folder


def rename_token(value: dict[str, Any], name: str, id: Any) -> None:
    value["model"]["vocab"][name] = id


BAD_JSON: dict[str, tuple[Change, str]] = {
    "a kind that nobody knows": (lambda v: v["model"].update(type="Morse"), r"vocabulary of the kind 'Morse'; BPE, "),
    "no vocabulary": (lambda v: v.pop("model"), "describes no vocabulary"),
    "a vocabulary that is a list": (lambda v: v["model"].update(vocab=["a"]), "vocabulary is no table of tokens"),
    "an id that is text": (lambda v: rename_token(v, "a", "one"), "ids of its tokens are no whole numbers"),
    "an id below 0": (lambda v: rename_token(v, "a", -1), "ids of its tokens are no whole numbers"),
    "two tokens with one id": (lambda v: rename_token(v, "a", 5), "two of its tokens have the same id"),
    "a hole": (lambda v: v["model"]["vocab"].pop("b") and v["model"].update(merges=[]), "no token has the id"),
    "an id far beyond the others": (lambda v: rename_token(v, "zzz", 2**30), "no token has the id 600"),
    "merges of three": (lambda v: v["model"]["merges"].insert(0, "a b c"), "number 1 is 'a b c', not two tokens"),
    "merges that are numbers": (lambda v: v["model"].update(merges=[1]), "number 1 is 1, not two tokens"),
    "merges that are no list": (lambda v: v["model"].update(merges={}), "its merges are no list"),
    "merges of another vocabulary": (lambda v: v["model"]["merges"].insert(0, ["Q", "Ж"]), "number 1 makes 'QЖ', and "),
    "an added token without a name": (lambda v: v["added_tokens"].append({"id": 1}), "no text or no id"),
    "an added token at a wrong place": (
        lambda v: v["added_tokens"].append({"id": 700, "content": "<x>"}),
        r"gives the added token '<x>' the id 700, but it is 600, the next free one",
    ),
    "a normalizer that nobody knows": (lambda v: v.update(normalizer={"type": "Rot13"}), "tokenizer cannot be used"),
    "a decoder that nobody knows": (lambda v: v.update(decoder={"type": "Rot13"}), "tokenizer cannot be used"),
    "a decoder of speech": (
        lambda v: v.update(decoder={"type": "CTC", "pad_token": "<pad>", "word_delimiter_token": "|", "cleanup": True}),
        "unknown way, with the decoder 'CTC'",
    ),
    "an expression that is none": (
        lambda v: v.update(
            pre_tokenizer={"type": "Split", "pattern": {"Regex": "("}, "behavior": "Isolated", "invert": False}
        ),
        "tokenizer cannot be used",
    ),
}


@pytest.mark.parametrize("case", BAD_JSON)
def test_what_contradicts_itself_is_one_sentence(tmp_path: Path, case: str) -> None:
    change, sentence = BAD_JSON[case]
    folder = changed(make_folder(tmp_path, "own"), "tokenizer.json", change)
    with pytest.raises(UserError, match=sentence) as error:
        load(folder)
    assert "\n" not in str(error.value)
    assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b'{"model": 1e999}', b"null"])
def test_what_is_no_tokenizer_is_one_sentence(tmp_path: Path, data: bytes) -> None:
    folder = make_folder(tmp_path, "own")
    (folder / "tokenizer.json").write_bytes(data)
    with pytest.raises(UserError, match=r"tokenizer\.json is damaged: "):
        load(folder)


def test_a_hundred_megabytes_are_not_read(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, "own")
    with (folder / "tokenizer.json").open("wb") as file:
        file.truncate(LARGEST + 1)
    with pytest.raises(UserError, match="which no tokenizer has"):
        load(folder)


def test_more_tokens_than_rows_are_named_and_fewer_are_padding(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, "own")
    with pytest.raises(UserError, match=r"has 600 tokens, but the model in .* has rows for 599: '.*' has none"):
        load_tokenizer(folder, GPT2Config(vocab_size=599))
    assert load_tokenizer(folder, GPT2Config(vocab_size=640)).vocab_size == 600


@pytest.mark.parametrize("line", ["a", "a b c", "Q Ж"])
def test_merges_of_an_unknown_form_are_refused(tmp_path: Path, line: str) -> None:
    folder = make_folder(tmp_path, "pair")
    lines = (folder / "merges.txt").read_text(encoding="utf-8").split("\n")
    (folder / "merges.txt").write_text("\n".join([lines[0], line, *lines[1:]]), encoding="utf-8")
    with pytest.raises(UserError, match=r"The merges beside vocab\.json in .* (unknown form|another vocabulary)"):
        load(folder)


@pytest.mark.parametrize("ids", [{"<|user|>": 50258}, {"<|user|>": "x"}, {"<|user|>": 5}, {"": 50257}])
def test_added_tokens_that_do_not_fit_are_refused(tmp_path: Path, ids: dict[str, Any]) -> None:
    folder = make_folder(tmp_path, "added")
    write_json(folder / "added_tokens.json", ids)
    with pytest.raises(UserError, match=r"added_tokens\.json"):
        load(folder)


def test_word_pieces_of_another_class_are_refused(tmp_path: Path) -> None:
    """A Japanese one cuts words with a dictionary first; read as BERT's, the ids would be wrong."""
    folder = make_folder(tmp_path, "word_pieces")
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "BertJapaneseTokenizer"})
    with pytest.raises(UserError, match="vocabulary of a 'BertJapaneseTokenizer', which cannot be read"):
        load(folder)


@pytest.mark.parametrize("name", ["spiece.model", "tokenizer_config.json"])
def test_tokens_that_cannot_be_openais_are_not_taken_for_them(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text('{"tokenizer_class": "T5Tokenizer"}')
    with pytest.raises(UserError, match=r"save it there"):
        load_tokenizer(tmp_path, GPT2Config())


def test_openais_are_assumed_where_a_folder_says_nothing(tmp_path: Path) -> None:
    ours = load_tokenizer(tmp_path, GPT2Config(vocab_size=50304))
    assert (ours.sha256, ours.vocab_size) == (RANKS_SHA256, 50257)
    assert not brings_tokenizer(tmp_path)


def test_a_file_that_was_changed_is_read_again(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, "small")
    assert load(folder).end_ids == (0,)
    write_json(folder / "generation_config.json", {"eos_token_id": 9})
    assert load(folder).end_ids == (9,)


def test_bytes_that_are_no_text_are_shown_as_such(tmp_path: Path) -> None:
    """Of a vocabulary with bytes for what it lacks: any of them, in any order, decode."""
    ours = load(make_folder(tmp_path, "unigram"))
    assert ours.decode([1 + 0xE6, 1 + 0x41]) == "\ufffdA"
    assert ours.decode(ours.encode("漢字")) == "漢字"


def test_a_text_without_tokens_is_one_sentence(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, "words")
    changed(folder, "tokenizer.json", lambda value: value["model"]["vocab"].update({"[UNK]": 0}))
    changed(folder, "tokenizer.json", lambda value: value["model"].update(unk_token="missing"))
    ours = load(folder)
    with pytest.raises(UserError, match="cannot encode the text"):
        ours.encode("no such word")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_ends_in_a_tokenizer_or_in_a_sentence(tmp_path: Path, data: st.DataObject) -> None:
    folder = make_folder(tmp_path, "small")
    name = data.draw(st.sampled_from(["vocab.json", "merges.txt", "config.json"]))
    contents = bytearray((folder / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(contents) - 1))
        contents[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    (folder / name).write_bytes(contents)
    sentence = ""
    try:
        ours = load_tokenizer(folder, GPT2Config(vocab_size=300))
        ours.decode(ours.encode("ab Köln"))
    except UserError as error:
        sentence = str(error)
    assert "\n" not in sentence
