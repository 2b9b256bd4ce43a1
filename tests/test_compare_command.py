"""``gptdesk compare``: what it prints and writes, and what it refuses."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gptdesk.cli import INTERRUPTED, MISTAKE, main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def compare(tiny_model_folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Compares the small model with itself at another temperature; returns status, output and errors."""

    def run(
        *flags: str, columns: tuple[str, ...] = ("label=hot", "temperature=0.5,label=cold")
    ) -> tuple[int, str, str]:
        named = [part for column in columns for part in ("--column", f"{tiny_model_folder},{column}")]
        settings = ("--device", "cpu", "--precision", "float32", "--max-tokens", "6", "--seed", "4")
        status = main(["compare", *named, *settings, *flags])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def test_prints_texts_figures_and_where_they_part(compare: Run) -> None:
    status, output, errors = compare("Once upon a time")
    assert (status, errors) == (0, "")
    assert "--- hot\n" in output
    assert "--- cold\n" in output
    heading = next(line for line in output.splitlines() if line.split() == ["hot", "cold"])
    table = {line[:24].strip(): line.split()[-2:] for line in output[output.index(heading) :].splitlines()[1:]}
    assert table["Tokens"] == ["6", "6"]
    assert table["KL, nats/token"] == ["-", "0.000"]
    assert "cold parts at character" in output


def test_exports_hold_every_cell(compare: Run, tmp_path: Path) -> None:
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text('{"prompt": "Once"}\nbroken\n{"prompt": "upon, \\"a\\" time"}\n')
    paths = tmp_path / "a.csv", tmp_path / "a.json"
    status, output, errors = compare("--prompts", str(prompts), "--export", str(paths[0]), "--export", str(paths[1]))
    assert status == 0
    assert errors.splitlines() == ["1 line of prompts.jsonl left out (line 2: it is not JSON)."]
    rows = list(csv.DictReader(io.StringIO(paths[0].read_text(encoding="utf-8"))))
    assert [(row["prompt"], row["column"], row["seed"]) for row in rows] == [
        ("Once", "hot", "4"),
        ("Once", "cold", "4"),
        ('upon, "a" time', "hot", "5"),
        ('upon, "a" time', "cold", "5"),
    ]
    values: dict[str, Any] = json.loads(paths[1].read_text(encoding="utf-8"))
    assert (values["format"], values["version"]) == ("gptdesk comparison", 1)
    cells = [cell for prompt in values["prompts"] for cell in prompt["cells"]]
    assert [cell["text"] for cell in cells] == [row["text"] for row in rows]
    for cell, row in zip(cells, rows, strict=True):
        assert cell["text"] in output
        assert len(cell["tokens"]) == int(row["tokens"]) == 6
        assert sum(token["logprob"] for token in cell["tokens"]) == pytest.approx(float(row["logprob"]))
    parting = cells[1]["parting"]
    assert parting["token"] == int(rows[1]["parts_at_token"])
    assert len(parting["top"]) == len(parting["reference_top"]) == 10
    shared = cells[1]["shared"]
    assert "".join(token["text"] for token in shared) == values["prompts"][0]["shared_text"]
    assert shared[0]["kl"] is None
    assert all(token["kl"] <= 1e-6 for token in shared[1:])


def test_checkpoints_of_a_run_are_columns(
    tiny_model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "runs" / "mine"
    for step in (100, 200, 300, 400, 500, 600):
        checkpoint = run / "checkpoints" / f"step-{step}"
        checkpoint.mkdir(parents=True)
        for file in tiny_model_folder.iterdir():
            (checkpoint / file.name).hardlink_to(file)
        sizes = {file.name: {"bytes": file.stat().st_size} for file in tiny_model_folder.iterdir()}
        (checkpoint / "manifest.json").write_text(json.dumps(sizes))
    (run / "status.json").write_text(json.dumps({"best_step": 200}))
    common = ["compare", "Once", "--run", str(run), "--max-tokens", "2", "--no-reading", "--precision", "float32"]
    assert main([*common, "--steps", "best,400,last"]) == 0
    output = capsys.readouterr().out
    assert [line for line in output.splitlines() if line.startswith("--- ")] == [
        "--- step 200",
        "--- step 400",
        "--- step 600",
    ]
    assert main(common) == 0
    assert "--- step 100\n" in (output := capsys.readouterr().out)
    assert "--- step 600\n" in output
    assert output.count("--- step") == 4
    assert main([*common, "--steps", "150,last"]) == MISTAKE
    assert "has no checkpoint '150'; it has 100, 200" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "columns", "why"),
    [
        ((), ("label=a", "label=b"), "Give one prompt, or a file"),
        (("x", "--prompts", "y"), ("label=a", "label=b"), "Give one prompt, or a file"),
        (("x",), ("label=a",), "A comparison has 2 to 4 columns, not 1."),
        (("x",), ("label=a",) * 5, "A comparison has 2 to 4 columns, not 5."),
        (("x",), ("label=a", "heat=2"), "'heat' in the column"),
        (("x",), ("label=a", "seed=2"), "'seed' in the column"),
        (("x",), ("label=a", "temperature=hot"), "emperature"),
        (("x",), ("label=a", "precision=int3"), "The precision must be one of"),
        (("x",), ("label=a", "preset=wild"), "There is no preset called 'wild'"),
        (("x", "--export", "a.pdf"), ("label=a", "label=b"), "a.pdf must end with .csv, .json or .html."),
        (("x", "--export", "no/where.csv"), ("label=a", "label=b"), "does not exist"),
        (("--prompts", "missing.jsonl"), ("label=a", "label=b"), "missing.jsonl cannot be read"),
    ],
)
def test_mistakes_are_one_sentence(compare: Run, flags: tuple[str, ...], columns: tuple[str, ...], why: str) -> None:
    status, output, errors = compare(*flags, columns=columns)
    assert (status, output) == (MISTAKE, "")
    assert why in errors
    assert errors.count("\n") == 1


def test_a_column_that_fails_is_named_and_the_others_are_printed(
    compare: Run, tmp_path: Path, tiny_model_folder: Path
) -> None:
    """Its weights are damaged, which only reading them shows."""
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for file in tiny_model_folder.iterdir():
        data = bytearray(file.read_bytes())
        if file.suffix == ".safetensors":
            data[-4000:] = b"\xff" * 4000
        (damaged / file.name).write_bytes(data)
    status, output, errors = compare("Once", "--column", f"{damaged},label=damaged")
    assert status == 1
    assert errors.startswith("damaged: ")
    assert output.count("--- ") == 2


def test_ctrl_c_writes_what_is_done(compare: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import signal

    from gptdesk.compare import comparison

    complete, calls = comparison.complete, []

    def interrupting(*arguments: Any, **options: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 3:
            signal.raise_signal(signal.SIGINT)
        return complete(*arguments, **options)

    monkeypatch.setattr(comparison, "complete", interrupting)
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("One\nTwo\nThree\n")
    status, output, _ = compare("--prompts", str(prompts), "--export", str(tmp_path / "a.csv"))
    assert status == INTERRUPTED
    rows = list(csv.DictReader(io.StringIO((tmp_path / "a.csv").read_text())))
    assert [row["prompt"] for row in rows] == ["One", "One"]
    assert "=== prompt 1 of 3: One" in output
    assert "=== prompt 2" not in output


def test_a_blind_vote_is_kept_and_counted(
    compare: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("One\nTwo\nThree\nFour\nFive\n")
    monkeypatch.setattr("sys.stdin", io.StringIO("nonsense\na\n=\ns\nB\nq\n"))
    status, output, errors = compare("--prompts", str(prompts), "--vote", "--no-reading")
    assert (status, errors) == (0, "")
    shown, reveal, *_ = output.split("Which is best")
    assert "hot" not in shown  # nothing says which is which before the choice
    assert "cold" not in shown
    assert reveal.startswith(": A, B, = for none, s to skip, q to end? ")
    assert output.count("A is ") == output.count("B is ") == 3
    assert "2 decided, 1 undecided\n" in output
    first = next(line for line in output.splitlines() if line.startswith("A is ") or " A is " in line)
    assert main(["compare", "--export-votes", str(tmp_path / "votes.csv")]) == 0
    rows = list(csv.DictReader(io.StringIO((tmp_path / "votes.csv").read_text())))
    assert [row["prompt"] for row in rows] == ["One", "Two", "Four"]
    assert [row["seed"] for row in rows] == ["4", "5", "7"]
    assert ("Temperature 0.5" in rows[0]["preferred"]) == first.endswith("cold")
    assert rows[1]["preferred"] == ""
    assert main(["compare", "--wins"]) == 0
    assert "2 decided, 1 undecided\n" in capsys.readouterr().out


def test_votes_of_another_version_are_said_before_anything_is_computed(
    compare: Run, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    votes = home / "data" / "votes.json"
    votes.parent.mkdir(parents=True)
    votes.write_text('{"format": "gptdesk votes", "version": 7}')
    status, output, errors = compare("Once", "--vote")
    assert (status, output) == (MISTAKE, "")
    assert "another version" in errors
    assert main(["compare", "--wins"]) == MISTAKE
    assert "another version" in capsys.readouterr().err
    assert votes.read_text() == '{"format": "gptdesk votes", "version": 7}'
