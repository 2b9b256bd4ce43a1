"""``gptdesk continuations``: its table, CSV and JSON."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gptdesk.cli import main

EXACT = ("--device", "cpu", "--precision", "float32")
GIVEN = ("--endings", " upon a time", ' more "and" more', " again")


@pytest.fixture
def continuations(tiny_model_folder: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs the command on the small model and returns what it prints."""

    def run(*arguments: str) -> str:
        assert main(["continuations", "Once", "--model", str(tiny_model_folder), *EXACT, *arguments]) == 0
        return capsys.readouterr().out

    return run


def test_the_table_the_csv_and_the_json_of_given_endings_say_the_same(
    continuations: Callable[..., str], tmp_path: Path
) -> None:
    heading, *rows = continuations(*GIVEN).splitlines()
    assert heading.split() == ["share", "logprob", "mean", "tokens"]
    objects = [json.loads(line) for line in continuations(*GIVEN, "--json").splitlines()]
    file = tmp_path / "endings.txt"
    file.write_text("\n".join(GIVEN[1:]) + "\n\n", encoding="utf-8")
    table = list(csv.DictReader(io.StringIO(continuations("--file", str(file), "--csv"))))
    assert sum(one["share"] for one in objects) == pytest.approx(1)
    for row, line, one, text in zip(table, rows, objects, GIVEN[1:], strict=True):
        assert row["text"] == one["text"] == text
        assert "".join(token["text"] for token in one["tokens"]) == text
        assert [float(logprob) for logprob in row["token_logprobs"].split()] == [
            token["logprob"] for token in one["tokens"]
        ]
        assert one["logprob"] == pytest.approx(sum(token["logprob"] for token in one["tokens"]))
        assert int(row["tokens"]) == len(one["tokens"])
        assert line.split()[:3] == [f"{one['share']:.4%}", f"{one['logprob']:.3f}", f"{one['mean']:.3f}"]


def test_the_most_probable_continuations_have_their_probability_and_that_of_all(
    continuations: Callable[..., str],
) -> None:
    *objects, total = [
        json.loads(line) for line in continuations("--most-probable", "4", "--length", "1", "--json").splitlines()
    ]
    probabilities = [one["probability"] for one in objects]
    assert probabilities == sorted(probabilities, reverse=True)
    assert total == {"event": "total", "found": 4, "probability": pytest.approx(sum(probabilities))}
    *_, last = continuations("--most-probable", "4", "--length", "1").splitlines()
    assert last == f"4 continuations have {sum(probabilities):.4%} of the probability."


def test_a_search_that_ends_early_says_so(continuations: Callable[..., str]) -> None:
    output = continuations("--most-probable", "4", "--length", "2", "--steps", "1")
    assert output.endswith("The search ended before it found 4; allow it more --steps.\n")


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ([], "There is no ending; give some with --endings or --file, or use --most-probable."),
        (["--endings", "a", "--most-probable", "2"], "--most-probable finds continuations itself; leave out"),
        (["--most-probable", "0"], "--most-probable must be a whole number from 1 to 1,000, not 0."),
        (["--most-probable", "2", "--steps", "0"], "--steps must be a whole number from 1 to 1,000,000, not 0."),
        (["--file", "missing.txt"], "missing.txt cannot be read (No such file or directory)."),
    ],
)
def test_wrong_arguments_are_refused_in_a_sentence(
    flags: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["continuations", "x", *flags]) == 2
    assert sentence in capsys.readouterr().err
