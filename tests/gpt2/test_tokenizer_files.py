"""The tokenizer in a model's folder, read by transformers and compared with tiktoken's ids."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from gptdesk.errors import UserError
from gptdesk.gpt2.tokenizer_files import complete_tokenizer, read_chat_format, write_tokenizer
from gptdesk.gpt2.tokenizers.folder_files import TOKENIZER_FILES, tokenizer_files
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer

TEXTS = [
    "Once upon a time, there was a naïve café — “quoted”, 12,345 times.",
    "Привет, мир! Съешь же ещё этих мягких французских булок.",
    "東京は日本の首都です。吾輩は猫である。한국어도 있다.",
    "مرحبا بالعالم ١٢٣ שלום עולם नमस्ते दुनिया",
    "🙂 👩‍👩‍👧‍👦 🏳️‍🌈 e\u0301 ½² \u200b\ufeff",
    "def f(x: int) -> str:\n\treturn f'{x:>10}'  # don't, I'LL\n\n\n    pass",
    "  leading,  double   and trailing \u00a0\u2003\u3000 spaces  \r\n\r\n \t ",
    "one<|endoftext|>two<|endoftext|><|endoftext|>\nthree",
    "\x00\x01\x7f\u0085 control \u2028 separators",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa !!!!!!!!!!!!!! ==== SolidGoldMagikarp https://example.org/?a=b&c=%20",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizer")
    write_tokenizer(folder, context=512)
    return folder


@pytest.fixture(scope="module")
def theirs(folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder)


@pytest.mark.parametrize("text", TEXTS)
def test_transformers_makes_the_same_ids_of_a_text(theirs: Any, text: str) -> None:
    expected = gpt2_tokenizer()._encoding.encode(text, allowed_special="all")
    assert theirs(text)["input_ids"] == expected
    assert theirs.decode(expected) == text


def test_it_knows_the_end_of_text_and_the_models_context(theirs: Any) -> None:
    assert len(theirs) == 50257
    assert theirs.eos_token_id == theirs.bos_token_id == 50256
    assert theirs.model_max_length == 512


def test_the_older_pair_of_files_says_the_same(folder: Path, tmp_path: Path) -> None:
    """What programs read that know no ``tokenizer.json``."""
    from tokenizers import ByteLevelBPETokenizer

    tokenizer = ByteLevelBPETokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"))
    text = TEXTS[0]
    assert tokenizer.encode(text).ids == gpt2_tokenizer().encode(text)


def test_a_template_and_stop_strings_lie_in_the_config(tmp_path: Path) -> None:
    write_tokenizer(tmp_path, chat_template="{{ messages[0]['content'] }}", stop_strings=["User:"])
    values = json.loads((tmp_path / "tokenizer_config.json").read_text())
    assert (values["chat_template"], values["stop_strings"]) == ("{{ messages[0]['content'] }}", ["User:"])


def test_a_tokenizer_of_its_own_stays(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    assert complete_tokenizer(tmp_path, vocab_size=50257) == []
    assert [path.name for path in tmp_path.iterdir()] == ["tokenizer.json"]


def test_settings_that_are_there_stay_when_the_tokens_are_added(tmp_path: Path) -> None:
    (tmp_path / "generation_config.json").write_text('{"temperature": 0.7}')
    written = complete_tokenizer(tmp_path, vocab_size=50304)
    assert sorted(written) == ["merges.txt", "tokenizer.json", "tokenizer_config.json", "vocab.json"]
    assert (tmp_path / "generation_config.json").read_text() == '{"temperature": 0.7}'


def test_a_smaller_vocabulary_is_not_openais(tmp_path: Path) -> None:
    assert complete_tokenizer(tmp_path, vocab_size=283) == []
    assert tokenizer_files(tmp_path) == []


def test_a_file_too_large_for_a_tokenizer_is_refused(tmp_path: Path) -> None:
    with (tmp_path / TOKENIZER_FILES[0]).open("wb") as file:
        file.truncate(2**30)
    with pytest.raises(UserError, match="1,073,741,824 bytes, which no tokenizer has"):
        tokenizer_files(tmp_path)


@pytest.mark.parametrize("with_file", [False, True])
def test_of_several_templates_the_default_counts_and_a_file_beside_them_more(
    folder: Path, tmp_path: Path, with_file: bool
) -> None:
    from transformers import AutoTokenizer

    place = shutil.copytree(folder, tmp_path / "several")
    values = json.loads((place / "tokenizer_config.json").read_text())
    values |= {"chat_template": [
        {"name": "tool_use", "template": "tools"}, {"name": "default", "template": "usual"}, 5, {"name": "rag"},
    ][: 2 if with_file else None], "stop_strings": ["User:", 3, ""]}  # fmt: skip
    if with_file:
        (place / "chat_template.jinja").write_text("of the file")
    (place / "tokenizer_config.json").write_text(json.dumps(values))
    read = read_chat_format(place)
    assert read == ("of the file" if with_file else "usual", ("User:",))
    if with_file:
        assert AutoTokenizer.from_pretrained(place).get_chat_template() == "of the file"
    else:
        values["chat_template"] = values["chat_template"][:2]
        (place / "tokenizer_config.json").write_text(json.dumps(values))
        assert AutoTokenizer.from_pretrained(place).get_chat_template() == "usual"


def test_templates_of_which_none_is_the_default_are_none(folder: Path, tmp_path: Path) -> None:
    place = shutil.copytree(folder, tmp_path / "several")
    (place / "tokenizer_config.json").write_text('{"chat_template": [{"name": "rag", "template": "x"}]}')
    assert read_chat_format(place) is None
