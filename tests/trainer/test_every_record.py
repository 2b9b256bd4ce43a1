"""Every kind of record, from the file to a trained model, with the learnt tokens as they are marked here by hand."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from tests.trainer.test_every_format import prepare_and_train
from trainer.data.shards import PreparedData

TOKENIZER = gpt2_tokenizer()
COUNT = 8

Marked = str
"""A document in which what is learnt stands between ⟦ and ⟧; its end is always learnt."""

KINDS: dict[str, tuple[dict[str, Any], Marked]] = {
    "text": ({"text": "Tale N: once there was a king."}, "⟦Tale N: once there was a king.⟧"),
    "prompt": (
        {"prompt": "What is N plus N?\n", "completion": "Twice N, as ever."},
        "What is N plus N?\n⟦Twice N, as ever.⟧",
    ),
    "instruction": (
        {"instruction": "Name the animal N.", "input": "", "output": "It is a cat."},
        "User: Name the animal N.\nAssistant:⟦ It is a cat.\n⟧",
    ),
    "instruction with input": (
        {"instruction": "Sort these.", "input": "b N a", "output": "a b N"},
        "User: Sort these.\n\nb N a\nAssistant:⟦ a b N\n⟧",
    ),
    "messages": (
        {
            "messages": [
                {"role": "system", "content": "Be short."},
                {"role": "user", "content": "Hello N?"},
                {"role": "assistant", "content": "Hello."},
                {"role": "user", "content": "And now?"},
                {"role": "assistant", "content": "Größe N & <b>."},
            ]
        },
        "System: Be short.\nUser: Hello N?\nAssistant:⟦ Hello.\n⟧User: And now?\nAssistant:⟦ Größe N & <b>.\n⟧",
    ),
    "conversations": (
        {"conversations": [{"from": "human", "value": "Hello N?"}, {"from": "gpt", "value": "Hello, it is N."}]},
        "User: Hello N?\nAssistant:⟦ Hello, it is N.\n⟧",
    ),
}

Expected = dict[tuple[int, ...], list[bool]]


def numbered(value: Any, number: int) -> Any:
    """The value with the number in place of N."""
    return json.loads(json.dumps(value).replace("N", str(number)))


def marked(document: Marked) -> tuple[tuple[int, ...], list[bool]]:
    """Tokens of a document and which of them are learnt."""
    tokens: list[int] = []
    learnt: list[bool] = []
    for part in document.split("⟦"):
        inside, closed, outside = part.partition("⟧")
        for text, counts in ((inside, True), (outside, False)) if closed else ((part, False),):
            ids = TOKENIZER.encode(text)
            tokens += ids
            learnt += [counts] * len(ids)
    return (*tokens, TOKENIZER.end_of_text), [*learnt, True]


def found(data: PreparedData) -> Expected:
    """Tokens of all documents, and which of them are learnt."""
    documents = {}
    for split in ("train", "val"):
        tokens = getattr(data, split)
        for start, end in pairwise([*data.document_starts(split).tolist(), len(tokens)]):
            weights = tokens.read_weights(start, end - start)
            learnt = [True] * (end - start) if weights is None else weights.tolist()
            documents[tuple(tokens.read(start, end - start).tolist())] = learnt
    return documents


def write(path: Path, records: Sequence[Mapping[str, Any]]) -> Path:
    match path.suffix:
        case ".jsonl":
            path.write_text("".join(json.dumps(record) + "\n" for record in records))
        case ".json":
            path.write_text(json.dumps(records))
        case ".parquet":
            pyarrow.parquet.write_table(pyarrow.Table.from_pylist(list(records)), path)
        case ".csv":
            table = io.StringIO(newline="")
            writer = csv.DictWriter(table, list(records[0]))
            writer.writeheader()
            writer.writerows(records)
            path.write_bytes(table.getvalue().encode())
    return path


FLAT = [kind for kind in KINDS if kind not in ("messages", "conversations")]


@pytest.mark.parametrize(
    ("kind", "suffix"),
    [*((kind, suffix) for kind in KINDS for suffix in ("jsonl", "json", "parquet")), *((kind, "csv") for kind in FLAT)],
)
def test_what_is_learnt_of_a_record_is_what_the_model_is_to_write(tmp_path: Path, kind: str, suffix: str) -> None:
    record, document = KINDS[kind]
    source = write(tmp_path / f"a.{suffix}", [numbered(record, i) for i in range(COUNT)])
    data = prepare_and_train(tmp_path, str(source), "--strict")
    assert found(data) == dict(marked(document.replace("N", str(i))) for i in range(COUNT))
    assert len(data.document_starts("val")) == 1, "the last tenth of the records is one of eight"
