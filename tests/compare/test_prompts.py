"""Files of prompts: their formats, lines that hold none, and bounds."""

import json
from pathlib import Path

import pytest

from gptdesk.compare import prompts as module
from gptdesk.compare.prompts import read_prompts
from gptdesk.errors import UserError


def write(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_text_has_a_prompt_on_each_line_that_is_not_empty(tmp_path: Path) -> None:
    assert read_prompts(write(tmp_path, "a.txt", "\ufeffOne \r\n\r\nTwo, “three”")).prompts == ("One ", "Two, “three”")


def test_json_lines_have_texts_prompts_or_messages(tmp_path: Path) -> None:
    conversation = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    records = ["plain", {"prompt": "a\nb"}, {"text": "c"}, {"messages": conversation}]
    path = write(tmp_path, "a.jsonl", "\n".join(json.dumps(record) for record in records))
    assert read_prompts(path).prompts == ("plain", "a\nb", "c", "User: Hi\nAssistant:")
    assert read_prompts(path, template="chatml").prompts[3].endswith("<|im_start|>assistant\n")
    array = write(tmp_path, "a.json", json.dumps(records))
    assert read_prompts(array).prompts == read_prompts(path).prompts


def test_csv_has_a_column_of_prompts(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", 'id,text,other\n1,"Say ""hi"",\nplease",x\n2,Two,y\n')
    assert read_prompts(path).prompts == ('Say "hi",\nplease', "Two")
    assert read_prompts(path, column="other").prompts == ("x", "y")
    assert read_prompts(write(tmp_path, "a.tsv", "only\nOne, two\n")).prompts == ("One, two",)
    with pytest.raises(UserError, match="no column is called 'nothing'"):
        read_prompts(path, column="nothing")


def test_lines_without_a_prompt_are_counted_and_named_in_one_sentence(tmp_path: Path) -> None:
    lines = ['"good"', "{", "7", '{"other": 1}', '{"prompt": 5}', '{"messages": []}', '{"text": " "}']
    found = read_prompts(write(tmp_path, "a.jsonl", "\n".join(lines)))
    assert found.prompts == ("good",)
    assert found.left_out == (
        "6 lines of a.jsonl left out (line 2: it is not JSON; line 3: it is neither a text nor an object; "
        "line 4: it has none of the fields prompt, text, messages, conversations; and 3 more)."
    )
    rows = read_prompts(write(tmp_path, "a.csv", "id,prompt\n1,One\n2\n3,\n"))
    assert rows.prompts == ("One",)
    assert rows.left_out.startswith("2 lines of a.csv left out (line 3: it has too few columns; line 4: it is empty")


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("none.txt", None, "cannot be read"),
        ("empty.txt", "\n\n", "holds no prompt"),
        ("latin.txt", b"caf\xe9", "is not UTF-8"),
        ("bad.jsonl", "{", "line 1: it is not JSON"),
        ("deep.json", "[" * 100_000, "nested"),
        ("many.txt", "a\n" * 7, "takes at most 5"),
        ("large.txt", "a" * 200, "larger"),
        ("long.txt", "a" * 60, "longer than 50 characters"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, data: str | bytes | None, why: str
) -> None:
    monkeypatch.setattr(module, "MOST", 5)
    monkeypatch.setattr(module, "LONGEST", 50)
    if name == "large.txt":
        monkeypatch.setattr(module, "LARGEST", 100)
    path = tmp_path / name if data is None else write(tmp_path, name, data)
    with pytest.raises(UserError, match=why) as caught:
        read_prompts(path)
    assert "\n" not in str(caught.value)
