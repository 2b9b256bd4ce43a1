"""``gptdesk score``: its table, CSV and JSON say what transformers and the trainer's evaluation say."""

import csv
import io
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from gptdesk.cli import main
from gptdesk.gpt2.checkpoint import load_model
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from trainer.evaluation.perplexity import text_perplexity

TEXT = 'Once upon a time, “there” was\na house. 🐈 "It" was old.\n' * 6
EXACT = ("--device", "cpu", "--precision", "float32")


@pytest.fixture
def score(tiny_model_folder: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs the command on the small model and returns what it prints."""

    def run(text: str, *flags: str) -> str:
        assert main(["score", "--model", str(tiny_model_folder), *EXACT, *flags, "--", text]) == 0
        return capsys.readouterr().out

    return run


def json_lines(output: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    *tokens, total = [json.loads(line) for line in output.splitlines()]
    assert [line["event"] for line in (*tokens, total)] == ["token"] * len(tokens) + ["total"]
    return tokens, total


def test_json_has_a_line_for_each_token_with_its_place_in_the_text(
    score: Callable[..., str], tiny_model_folder: Path
) -> None:
    tokens, total = json_lines(score(TEXT[:60], "--json", "--top", "2"))
    ids = gpt2_tokenizer().encode(TEXT[:60])
    with torch.no_grad():
        logprobs = load_model(tiny_model_folder)(torch.tensor([ids]))[0].log_softmax(-1)
    assert [token["id"] for token in tokens] == ids
    assert tokens[0]["logprob"] is None
    for place, token in enumerate(tokens[1:], 1):
        assert token["logprob"] == pytest.approx(float(logprobs[place - 1, ids[place]]), abs=1e-4)
        assert token["surprisal"] == pytest.approx(-token["logprob"] / math.log(2))
        assert token["top"][0]["id"] == int(logprobs[place - 1].argmax())
        assert len(token["top"]) == 2
    words = [TEXT[token["start"] : token["end"]] for token in tokens]
    assert words[:3] == ["Once", " upon", " a"]
    assert total["tokens"] == len(ids) - 1


def test_with_start_the_totals_are_those_of_the_trainers_evaluation(
    score: Callable[..., str], tiny_model_folder: Path
) -> None:
    model = load_model(tiny_model_folder)
    context = model.config.n_positions
    expected = text_perplexity(model, gpt2_tokenizer(), TEXT, context=context, stride=context // 2)
    _, total = json_lines(score(TEXT, "--json", "--start"))
    assert (total["tokens"], total["bytes"]) == (expected.tokens, expected.bytes)
    assert total["perplexity"] == pytest.approx(expected.per_token, rel=1e-5)
    assert total["bits_per_byte"] == pytest.approx(expected.bits_per_byte, rel=1e-5)


def test_the_table_and_the_csv_say_the_same(score: Callable[..., str]) -> None:
    heading, first, *rows, total = score("Once upon a time").splitlines()
    assert heading.split() == ["surprisal", "rank", "entropy", "id", "token"]
    assert first.split() == ["-", "-", "-", "7454", '"Once"']
    assert total.startswith("3 tokens scored: perplexity ")
    assert total.endswith(" bits per byte")
    table = list(csv.DictReader(io.StringIO(score("Once upon a time", "--csv"))))
    assert [row["text"] for row in table] == ["Once", " upon", " a", " time"]
    assert (table[0]["surprisal"], table[0]["rank"]) == ("", "")
    for row, line in zip(table[1:], rows, strict=True):
        assert line.split()[0] == f"{float(row['surprisal']):.3f}"
        assert line.split()[1] == row["rank"]


def test_a_single_token_has_no_score(score: Callable[..., str]) -> None:
    assert "No token is scored" in score("Once")
    assert json_lines(score("Once", "--json"))[1] == {"event": "total", "tokens": 0, "nats": 0.0, "bytes": 0}


def test_names_of_special_tokens_are_text_unless_asked(score: Callable[..., str]) -> None:
    tokens, _ = json_lines(score("a<|endoftext|>b", "--json", "--special"))
    assert [(token["id"], token["start"], token["end"]) for token in tokens] == [
        (64, 0, 1),
        (50256, 1, 14),
        (65, 14, 15),
    ]
    assert len(json_lines(score("a<|endoftext|>b", "--json"))[0]) > 3


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["", "--top=2"], "The text is empty; give one, or - and a text on standard input."),
        (["x", "--top=101"], "--top must be a whole number from 0 to 100, not 101."),
        (["x", "--json", "--csv"], "Argument --csv: not allowed with argument --json; see gptdesk score --help."),
    ],
)
def test_wrong_arguments_are_refused_in_a_sentence(
    flags: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["score", *flags]) == 2
    assert capsys.readouterr().err.strip() == sentence
