"""What people and broken files give the command line: one sentence on standard error, exit status 2, no traceback."""

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from gptdesk.cli import main


@pytest.fixture
def folder(tiny_model_folder: Path, tmp_path: Path) -> Path:
    """A sound model folder, to be spoilt."""
    return Path(shutil.copytree(tiny_model_folder, tmp_path / "model"))


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The sentence with which a command is refused."""
    assert main(arguments) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.endswith(".\n")
    assert output.err.count("\n") == 1
    assert "Traceback" not in output.err
    return output.err


def refused_model(capsys: pytest.CaptureFixture[str], folder: Path) -> str:
    return refused(capsys, "complete", "Once", "--model", str(folder), "--max-tokens", "2")


def change_config(folder: Path, **values: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


# The model's folder


def test_a_missing_folder(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "There is no model called" in refused_model(capsys, tmp_path / "nowhere")


def test_an_empty_folder(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "not a model folder" in refused_model(capsys, tmp_path)


def test_a_folder_without_weights(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    assert "has no model.safetensors" in refused_model(capsys, folder)


def test_pickled_weights(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert "only safetensors are loaded" in refused_model(capsys, folder)


@pytest.mark.parametrize("part", [0.0, 0.0001, 0.5, 0.999])
def test_truncated_weights(capsys: pytest.CaptureFixture[str], folder: Path, part: float) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[: int(part * path.stat().st_size)])
    assert "damaged or incomplete" in refused_model(capsys, folder)


def test_a_wrong_shape(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    change_config(folder, n_embd=51)
    assert "do not fit its config.json" in refused_model(capsys, folder)


def test_an_unknown_architecture(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    change_config(folder, model_type="mamba")
    assert "'mamba'" in refused_model(capsys, folder)


def test_the_folder_of_a_run(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    (folder / "config.json").write_text(json.dumps({"model": {}, "data": {}, "schedule": {}, "run": {}}))
    assert f"is the folder of a run; choose one of its models, in {folder / 'checkpoints'}." in refused_model(
        capsys, folder
    )


def test_weights_that_are_not_numbers(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    tensors["transformer.ln_f.weight"] = torch.full((48,), torch.nan)
    save_file(tensors, folder / "model.safetensors")
    assert "not finite numbers" in refused_model(capsys, folder)


def test_a_damaged_config(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    (folder / "config.json").write_text("{")
    assert "config.json is damaged" in refused_model(capsys, folder)


# The prompt


def test_an_empty_prompt_is_allowed(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    assert main(["complete", "", "--model", str(folder), "--max-tokens", "2", "--seed", "1"]) == 0
    assert capsys.readouterr().out


@pytest.mark.parametrize("character", ["a", " ", "\n", "漢", "."])
def test_a_prompt_of_a_million_characters_is_allowed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, folder: Path, character: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((character * 1_000_000).encode())))
    assert main(["complete", "-", "--model", str(folder), "--max-tokens", "2"]) == 0
    output = capsys.readouterr()
    assert "more than the context of 64" in output.err
    assert "Traceback" not in output.err
    assert output.out


@pytest.mark.parametrize("data", [b"caf\xe9", b"\xff\xfeO\x00", b"a" * 1000 + b"\xf0\x9f\x98", b"\xed\xa0\x80"])
def test_a_prompt_that_is_not_utf8(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, folder: Path, data: bytes
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert "Standard input is not UTF-8" in refused(capsys, "complete", "-", "--model", str(folder))


def test_a_prompt_that_is_not_utf8_in_a_real_process() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "gptdesk", "complete", "-"],
        input=b"caf\xe9",
        capture_output=True,
        timeout=600,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stdout == b""
    assert ended.stderr.decode() == "Standard input is not UTF-8 (byte 4 is 0xe9); convert it first.\n"


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="arguments are Unicode there")
def test_an_argument_that_is_not_utf8() -> None:
    command = [sys.executable.encode(), b"-m", b"gptdesk", b"tokenize", b"caf\xe9"]
    ended = subprocess.run(command, capture_output=True, timeout=600, check=False)
    assert ended.returncode == 2
    assert ended.stderr.decode() == "The text is not UTF-8 (byte 4 is 0xe9); convert it first.\n"


# The settings


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--temperature", "5.1"),
        ("--temperature", "-1"),
        ("--temperature", "nan"),
        ("--temperature", "warm"),
        ("--top-k", "1.5"),
        ("--top-k", "-1"),
        ("--top-k", "60000"),
        ("--top-p", "1.01"),
        ("--min-p", "-0.1"),
        ("--typical-p", "2"),
        ("--repetition-penalty", "0"),
        ("--presence-penalty", "2.5"),
        ("--frequency-penalty", "-2.5"),
        ("--no-repeat-ngram", "101"),
        ("--stop", ""),
        ("--max-tokens", "0"),
        ("--max-tokens", "9" * 5000),
        ("--seed", "-1"),
        ("--seed", "99999999999999999999"),
        ("-n", "0"),
        ("-n", "65"),
        ("--top-logprobs", "21"),
        ("--logit-bias", "13"),
        ("--logit-bias", "13=101"),
        ("--logit-bias", "x=1"),
        ("--logit-bias", "-1=1"),
        ("--preset", "Reckless"),
    ],
)
def test_settings_out_of_range(capsys: pytest.CaptureFixture[str], flag: str, value: str) -> None:
    sentence = refused(capsys, "complete", "Once", f"{flag}={value}" if flag != "-n" else f"{flag}{value}")
    assert flag.strip("-").replace("-", "_") in sentence.lower().replace("-", "_").replace(" ", "_")


def test_a_bias_on_a_token_that_the_model_lacks(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    arguments = ("complete", "Once", "--model", str(folder), "--logit-bias", "50257=1")
    assert "knows only 0 to 50256" in refused(capsys, *arguments)


@pytest.mark.parametrize(("flag", "value"), [("--device", "abacus"), ("--device", "cuda:99"), ("--precision", "int3")])
def test_devices_and_precisions_that_are_not_there(
    capsys: pytest.CaptureFixture[str], folder: Path, flag: str, value: str
) -> None:
    assert value in refused(capsys, "complete", "Once", "--model", str(folder), flag, value)


# The command


@pytest.mark.parametrize(
    "arguments",
    [
        ["bogus"],
        ["--bogus"],
        ["complete", "--bogus"],
        ["complete", "a", "b"],
        ["complete", "a", "--model"],
        ["complete", "--temp", "1"],
        ["tokenize"],
        ["doctor", "who"],
    ],
    ids=" ".join,
)
def test_commands_that_do_not_exist(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert "--help" in refused(capsys, *arguments)
