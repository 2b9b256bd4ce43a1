"""Conversations as prompts: by the model's own template, to the token of transformers; compared as what they are."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from transformers import AutoTokenizer

from gptdesk.compare.comparison import Comparison
from gptdesk.compare.engines import loader
from gptdesk.compare.prompt_text import encode, spelled
from gptdesk.compare.prompts import read_prompts
from gptdesk.gpt2.layout import read_config
from gptdesk.gpt2.mixed_text import MixedText
from gptdesk.gpt2.tokenizers.loading import load_tokenizer
from tests.compare.conftest import NewColumn
from tests.gpt2.tokenizers.folders import make_folder

TEMPLATE = (
    "{% for message in messages %}[{{ message.role }}] {{ message.content }}<|endoftext|>{% endfor %}"
    "{% if add_generation_prompt %}[assistant] {% endif %}"
)
MESSAGES = [{"role": "user", "content": "Once <|endoftext|> upon"}, {"role": "assistant", "content": "a time"}]


def write(folder: Path, records: list[Any]) -> Path:
    path = folder / "prompts.jsonl"
    path.write_text("\n".join(json.dumps(record) for record in records), encoding="utf-8")
    return path


def test_messages_are_rendered_by_the_models_own_template(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "own", "own")
    (folder / "chat_template.jinja").write_text(TEMPLATE, encoding="utf-8")
    path = write(tmp_path, [{"messages": MESSAGES}, {"messages": [{"role": "user", "content": "Hi"}]}])
    first, second = read_prompts(path, model=folder).prompts
    tokenizer = load_tokenizer(folder, read_config(folder))
    theirs = AutoTokenizer.from_pretrained(folder)
    plain = theirs.apply_chat_template([{"role": "user", "content": "Hi"}], add_generation_prompt=True)["input_ids"]
    assert encode(tokenizer, second, special=False) == plain
    # What only spells a special token is text; one is the template's.
    assert spelled(first) == "[user] Once <|endoftext|> upon<|endoftext|>[assistant] "
    ids = encode(tokenizer, first, special=False)
    assert ids.count(tokenizer.special_tokens["<|endoftext|>"]) == 1
    assert read_prompts(path, model=folder, template="plain").prompts[1] == "User: Hi\nAssistant:"


def test_a_template_that_cannot_be_rendered_costs_its_lines(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "own", "own")
    (folder / "chat_template.jinja").write_text("{{ raise_exception('Users only') }}", encoding="utf-8")
    found = read_prompts(write(tmp_path, [{"messages": MESSAGES}, "text"]), model=folder)
    assert found.prompts == ("text",)
    assert "The chat template says: Users only" in found.left_out


@pytest.mark.parametrize("special", [False, True])
def test_special_tokens_of_a_prompt_are_read_by_all_columns(column: NewColumn, special: bool) -> None:
    """Names in plain text mean tokens where that was asked for: the same ones."""
    prompt: Any = "A<|endoftext|>B" if special else MixedText("A\ufffcB", ("<|endoftext|>",))
    comparison = Comparison(
        (column("one"), column("two")), [prompt, "A<|endoftext|>B"], seed=5, special=special, load=loader(None)
    )
    for _ in comparison.run():
        pass
    results = comparison.results
    assert results.prompts == ("A<|endoftext|>B",) * 2
    readings = [results.cells[prompt, column].shared for prompt in range(2) for column in range(2)]
    assert all(reading is not None and 50256 in reading.ids for reading in readings[:2])
    assert all(reading is not None and (50256 in reading.ids) is special for reading in readings[2:])
    for reading in readings[:2]:
        assert reading is not None
        assert reading.ends[:3].tolist() == [1, 14, 15]
        assert reading.ends[-1] == len((results.shared_text(0) or "").encode())
    assert readings[1] is not None
    assert readings[1].kl is not None
    assert not np.isnan(readings[1].kl[1:]).any()
