"""Records through ``trainer prepare``: what is read, and which tokens are learnt, against masks written by hand."""

import csv
import json
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from gptdesk.errors import UserError
from gptdesk.gpt2.chat_template import ALPACA, PLAIN
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from gptdesk.training.data.datasets import describe_set, preview
from trainer.cli import main
from trainer.data.shards import PreparedData
from trainer.prepare import Request, prepare
from trainer.prepare.records import RecordParser, Unusable

TOKENIZER = gpt2_tokenizer()
Record = dict[str, Any]

SHARE_GPT = [
    {"from": "system", "value": "Be kind."},
    {"from": "human", "value": "Hi"},
    {"from": "gpt", "value": "Hello.\nHow are you?"},
    {"from": "human", "value": "Fine 🐈"},
    {"from": "gpt", "value": "Good."},
    {"from": "human", "value": "Never answered."},
]
MESSAGES = [{"role": "user", "content": "2 + 2?"}, {"role": "assistant", "content": "4"}]

# What is learnt stands between ‹ and ›; the end of each document is learnt, too.
KINDS: dict[str, tuple[Record, str]] = {
    "text": ({"text": "A text of its own."}, "‹A text of its own.›"),
    "prompt and completion": ({"prompt": "Question? ", "completion": "answer"}, "Question? ‹answer›"),
    "instruction": (
        {"instruction": "Add.", "input": "", "output": "Done it."},
        "User: Add.\nAssistant:‹ Done it.\n›",
    ),
    "instruction with input": (
        {"instruction": "Add.", "input": "1, 2", "output": "3"},
        "User: Add.\n\n1, 2\nAssistant:‹ 3\n›",
    ),
    "messages": ({"messages": MESSAGES}, "User: 2 + 2?\nAssistant:‹ 4\n›"),
    "conversations": (
        {"conversations": SHARE_GPT},
        "System: Be kind.\nUser: Hi\nAssistant:‹ Hello.\nHow are you?\n›User: Fine 🐈\nAssistant:‹ Good.\n›",
    ),
    "system text beside the turns": (
        {"system": "Terse.", "messages": MESSAGES},
        "System: Terse.\nUser: 2 + 2?\nAssistant:‹ 4\n›",
    ),
    "instruction with the whole as text": (
        {"instruction": "Add.", "input": "", "output": "Done it.", "text": "Add. Done it."},
        "User: Add.\nAssistant:‹ Done it.\n›",
    ),
}


def write_jsonl(path: Path, records: Sequence[Record]) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def write_array(path: Path, records: Sequence[Record]) -> None:
    path.write_text(json.dumps(records), encoding="utf-8")


def write_parquet(path: Path, records: Sequence[Record]) -> None:
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(records), path)


def write_csv(path: Path, records: Sequence[Record]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, records[0].keys())
        table.writeheader()
        table.writerows(records)


FORMATS: Mapping[str, Callable[[Path, Sequence[Record]], None]] = {
    "jsonl": write_jsonl, "json": write_array, "parquet": write_parquet, "csv": write_csv
}  # fmt: skip


def run(tmp_path: Path, *options: str) -> PreparedData:
    assert main(["prepare", str(tmp_path / "source"), "--out", str(tmp_path / "out"), "--workers", "1", *options]) == 0
    return PreparedData.open(tmp_path / "out")


def learnt(data: PreparedData, split: str = "train") -> list[str]:
    """The documents of a split, with ‹ and › around what is learnt, without the ends of documents."""
    tokens = getattr(data, split)
    found = []
    for start, end in pairwise([*data.document_starts(split).tolist(), len(tokens)]):
        ids = tokens.read(start, end - start).tolist()
        weights = tokens.read_weights(start, end - start)
        mask = [True] * len(ids) if weights is None else weights.tolist()
        assert (ids[-1], mask[-1]) == (TOKENIZER.end_of_text, True)
        text, before, part = "", False, []
        for id, is_learnt in [*zip(ids[:-1], mask[:-1], strict=True), (None, False)]:
            if is_learnt != before or id is None:
                text += TOKENIZER.decode(part) + ("" if is_learnt == before else "‹" if is_learnt else "›")
                part = []
            part.append(id)
            before = is_learnt
        found.append(text)
    return found


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("kind", KINDS)
def test_what_the_model_is_to_write_is_learnt(tmp_path: Path, kind: str, format: str) -> None:
    record, expected = KINDS[kind]
    if format == "csv" and any(isinstance(value, list) for value in record.values()):
        pytest.skip("a field of a table holds no list")
    (tmp_path / "source").mkdir()
    FORMATS[format](tmp_path / "source" / f"a.{format}", [record] * 3)
    data = run(tmp_path, "--val-share", "0")
    assert learnt(data) == [expected] * 3


def test_all_kinds_in_one_file_over_several_shards(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    records = [record for record, _ in KINDS.values()] * 6
    write_jsonl(tmp_path / "source" / "a.jsonl", records)
    data = run(tmp_path, "--shard-tokens", "61", "--unit-bytes", "500", "--val-share", "0.2")
    both = learnt(data) + learnt(data, "val")
    assert sorted(both) == sorted([expected for _, expected in KINDS.values()] * 6)
    assert data.manifest["sources"][0]["records"] == {
        "conversation": 18, "instruction": 18, "prompt and completion": 6
    }  # fmt: skip


def test_prompts_are_learnt_when_asked(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    write_jsonl(tmp_path / "source" / "a.jsonl", [KINDS["messages"][0]] * 3)
    data = run(tmp_path, "--val-share", "0", "--learn-prompts")
    assert learnt(data) == ["‹User: 2 + 2?\nAssistant: 4\n›"] * 3
    assert data.train.masks is None
    assert data.manifest["records"]["learn_prompts"] is True


def test_the_template_is_chosen_and_kept(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    write_jsonl(tmp_path / "source" / "a.jsonl", [KINDS["instruction with input"][0]] * 3)
    data = run(tmp_path, "--val-share", "0", "--template", "alpaca")
    assert learnt(data)[0] == (
        f"{ALPACA.default_system}\n\n### Instruction:\nAdd.\n\n### Input:\n1, 2\n\n### Response:\n‹3\n\n›"
    )
    assert data.manifest["records"] == {
        "learn_prompts": False,
        "template": {
            "name": "alpaca", "chat_template": ALPACA.jinja, "stop_strings": list(ALPACA.stop_strings)
        },
    }  # fmt: skip
    assert describe_set(data.folder).template == "alpaca"


def test_the_end_names_the_template_and_what_is_learnt(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "source").mkdir()
    write_jsonl(tmp_path / "source" / "a.jsonl", [KINDS["instruction with input"][0]])
    run(tmp_path, "--val-share", "0", "--template", "chatml")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("1 file, ")
    assert any(line.startswith("train: 1 document, ") for line in lines)
    assert lines[-2].startswith("chat template: chatml (<|im_start|>user ")
    assert lines[-1] == "learnt of records: only what the model is to write"


def test_text_and_prompts_have_no_template(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    write_jsonl(tmp_path / "source" / "a.jsonl", [KINDS["prompt and completion"][0]] * 3)
    data = run(tmp_path, "--val-share", "0")
    assert data.manifest["records"] == {"learn_prompts": False}
    assert describe_set(data.folder).template == ""


def test_the_preview_tells_learnt_tokens_apart(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    write_jsonl(tmp_path / "source" / "a.jsonl", [KINDS["messages"][0]] * 3)
    document = preview(run(tmp_path, "--val-share", "0").folder, 1)[0]
    marked = [token for token, is_learnt in zip(document.tokens, document.learnt, strict=True) if is_learnt]
    assert marked == [" 4", "\n", "<|endoftext|>"]


# What cannot be used


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ([1], "a record is not a JSON object but a list"),
        ("text", "a record is not a JSON object but text"),
        ({}, "a record has no text: it has no fields; these would do: text, messages, conversations, prompt and "),
        ({"a": 1, "b": 2}, r"its fields are a, b; these would do: text, messages, conversations, .* and output"),
        ({"text": None}, r"its fields are text \(null\)"),
        ({"text": 5}, 'field "text" is not text but a number'),
        ({"prompt": "p"}, "its fields are prompt; these would do"),
        ({"prompt": "p", "completion": ["c"]}, 'field "completion" is not text but a list'),
        ({"instruction": "i", "output": {}}, 'field "output" is not text but an object'),
        ({"instruction": "i", "output": " \n"}, 'field "output" is empty'),
        ({"instruction": "", "input": "", "output": "o"}, 'field "instruction" is empty'),
        ({"instruction": "i", "input": 1, "output": "o"}, 'field "input" is not text but a number'),
        ({"messages": "[]"}, 'field "messages" is not a list of turns but text'),
        ({"messages": []}, "a conversation has no turns"),
        ({"messages": ["hi"]}, 'not an object with "role" and "content"'),
        ({"messages": [{"from": "human", "value": "x"}]}, 'not an object with "role" and "content"'),
        ({"messages": [{"role": "tool", "content": "x"}]}, 'unknown role "tool"; known are system, user, human'),
        ({"messages": [{"role": 3, "content": "x"}]}, "unknown role a number"),
        ({"messages": [{"role": "user", "content": None}]}, '"content" of a turn is not text but null'),
        ({"messages": [{"role": "user", "content": ""}, *MESSAGES]}, "a turn of a conversation is empty"),
        ({"messages": [{"role": "user", "content": []}, *MESSAGES]}, "a turn of a conversation is empty"),
        ({"messages": [{"role": "user", "content": ["x"]}]}, 'not an object with "type" and "text" but text'),
        ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, 'not an object with "type"'),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": 5}]}]}, '"text" of a part .* a number'),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}, {"type": "image_url"}]}]},
            'a part of the type "image_url"; only parts of text can be learnt',
        ),
        ({"messages": MESSAGES[:1]}, "has no turn of the assistant"),
        ({"conversations": [{"from": "x" * 99, "value": "y"}]}, f'unknown role "{"x" * 40}…"'),
    ],
)  # fmt: skip
def test_a_record_that_cannot_be_used_says_why(record: Any, reason: str) -> None:
    with pytest.raises(Unusable) as refusal:
        RecordParser().parse(record)
    assert re.search(reason, str(refusal.value))


@pytest.mark.parametrize("kind", ["text", "input_text"])
def test_the_parts_of_a_turn_are_its_text(kind: str) -> None:
    def parts(text: str) -> list[dict[str, Any]]:
        return [{"type": kind, "text": text[:3]}, {"type": kind, "text": text[3:], "annotations": []}]

    in_parts = [{**turn, "content": parts(turn["content"])} for turn in MESSAGES]
    assert RecordParser().parse({"messages": in_parts}) == RecordParser().parse({"messages": MESSAGES})


def test_each_reason_is_counted_once_with_its_first_place(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    bad = {"messages": [{"role": "tool", "content": "x"}]}
    write_jsonl(tmp_path / "source" / "a.jsonl", [*[KINDS["messages"][0]] * 3, bad, {"body": "x"}, bad])
    data = run(tmp_path, "--val-share", "0")
    counts = {entry["why"]: entry["count"] for entry in data.manifest["broken"]["list"]}
    assert sorted(counts.values()) == [1, 2]
    assert [count for why, count in counts.items() if "tool" in why] == [2]
    assert len(learnt(data)) == 3


def test_records_of_foreign_fields_alone_are_refused_with_those_that_would_do(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    write_jsonl(tmp_path / "source" / "a.jsonl", [{"body": "x", "title": "y"}] * 3)
    with pytest.raises(UserError, match=r"body, title; these would do: text, messages"):
        prepare(Request(sources=(str(tmp_path / "source"),)), tmp_path / "out")


def test_a_column_that_was_named_goes_before_other_fields() -> None:
    record = {"instruction": "i", "output": "o", "body": "b"}
    assert RecordParser("body").parse(record) == ((b"b",), "text")
    assert RecordParser("body").fields(["instruction", "output", "body"]) == ("body",)


def test_an_empty_system_text_is_left_out() -> None:
    record = {"messages": [{"role": "system", "content": ""}, *MESSAGES]}
    assert RecordParser(template=PLAIN).parse(record) == RecordParser().parse({"messages": MESSAGES})
