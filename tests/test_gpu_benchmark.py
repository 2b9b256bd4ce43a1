"""The benchmark of the GPU, gone through on a CPU with tiny sizes."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.gpu import __main__ as gpu
from benchmarks.gpu.card_tests import ROOT, marked_files
from benchmarks.gpu.options import Options
from benchmarks.gpu.sections import SECTIONS
from benchmarks.train import synthetic_data
from tests.patience import PATIENCE

BY_NAME = {section.name: section for section in SECTIONS}
TRAINED = ("--model.n_layer", "1", "--model.n_head", "1", "--model.n_embd", "8", "--model.n_positions", "16")
QUICK = ("--run.compile", "off", "--run.threads", "1", "--run.sample_tokens", "0", "--run.eval_tokens", "16")


def options(out: Path, **more: Any) -> Options:
    return Options(**{"device": "cpu", "tiny": True, "out": out, "seconds": PATIENCE, **more})


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_without_a_card_it_ends_with_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert gpu.main([]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("There is no CUDA here")
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize("name", ["decoding", "training", "prompts", "decoding-compiled", "cudnn", "graphs"])
def test_a_section_measures_to_its_end(name: str, tmp_path: Path) -> None:
    found: list[dict[str, Any]] = []
    section = BY_NAME[name]
    section.measure(options(tmp_path), lambda values: found.append(json.loads(json.dumps(values))))
    assert "| --- |" in section.as_table(found[-1])
    assert all(goal["figure"] for goal in section.goals(found[-1]))


def test_the_bundled_models_training_is_ended_in_time_and_resumed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    synthetic_data(data, tokens=500)
    found: list[dict[str, Any]] = []
    for steps in ("100000", "1"):
        flags = (*TRAINED, *QUICK) if steps == "100000" else ()
        told = options(tmp_path, train=data, seconds=0, flags=(*flags, "--schedule.steps", steps))
        BY_NAME["bundled"].measure(told, found.append)
    assert found[0]["state"] == "stopped"
    assert found[0]["checkpoint"]
    assert found[1]["state"] == "finished"
    assert found[1]["step"] == found[0]["step"], "it went on where it had stopped"


def test_a_section_that_takes_too_long_or_needs_what_is_not_there_costs_only_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = gpu.run_section(BY_NAME["prompts"], options(tmp_path, seconds=0.01))
    assert ended["state"] == "Ended at its limit of 0 s."
    assert ended["values"] == {}
    assert "log" in ended
    monkeypatch.setitem(sys.modules, "transformers", None)
    left_out = gpu.run_section(BY_NAME["decoding"], options(tmp_path))
    assert left_out["state"] == "Left out: transformers is not installed."


def test_the_command_writes_both_files(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.gpu", "--tiny", "--device", "cpu", "--out", str(tmp_path)]
    done = subprocess.run(
        [*command, "--only", "prompts"], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    assert [(found["name"], found["state"]) for found in report["sections"]] == [("prompts", "done")]
    assert done.stdout.strip() == (tmp_path / "report.md").read_text().strip()
    assert "figures mean nothing" in done.stdout
    assert {path.name for path in tmp_path.iterdir()} >= {"report.json", "report.md"}


def test_every_test_that_needs_a_card_is_run_there() -> None:
    """Without the windows' tests, whose libraries are not there."""
    files = marked_files()
    assert {"tests/inference/cuda/test_decoder.py", "tests/trainer/test_on_cuda.py"} <= set(files)
    assert not any(file.startswith("tests/ui/") for file in files)
