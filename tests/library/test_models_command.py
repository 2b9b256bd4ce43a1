"""``gptdesk models``: what it prints, what it returns, and how it is interrupted."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gptdesk.cli import main
from gptdesk.folders import Folders
from gptdesk.library.downloads.place import DOWNLOADS
from gptdesk.library.known_models.known import KNOWN, find_known
from gptdesk.library.library import Library
from gptdesk.library.repository import COMMIT
from tests.hub_server import Fault, Hub
from tests.library.conftest import everything

WEIGHTS = "model.safetensors"
PROGRAM = [sys.executable, "-m", "gptdesk", "models"]
posix = pytest.mark.skipif(os.name != "posix", reason="signals and terminals as POSIX has them")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["models", *arguments])
    output, errors = capsys.readouterr()
    return status, output, errors


def lines(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def test_list_and_info_are_for_people(capsys: pytest.CaptureFixture[str], hub: Hub) -> None:
    status, output, _ = run(capsys, "list")
    assert status == 0
    assert output.splitlines()[1] == "stories            5.1M   10 MB  comes with gptdesk"
    assert re.search(r"^gpt2-xl +1\.6B +6\.4 GB  to download$", output, re.MULTILINE)
    status, output, _ = run(capsys, "info", "gpt2")
    assert "memory, float32" in output
    assert "https://huggingface.co/openai-community/gpt2" in output


def test_json_is_for_programs(capsys: pytest.CaptureFixture[str], hub: Hub) -> None:
    status, output, _ = run(capsys, "list", "--json")
    entries = {entry["name"]: entry for entry in lines(output)}
    assert status == 0
    assert entries["gpt2"]["download"] == 548_105_171
    assert entries["stories"]["memory"]["float32"] > 4 * entries["stories"]["parameters"]
    _, output, _ = run(capsys, "info", "gpt2", "--json")
    assert lines(output) == [entries["gpt2"]]


def test_from_download_to_removal(
    capsys: pytest.CaptureFixture[str], hub: Hub, folders: Folders, tmp_path: Path
) -> None:
    status, output, errors = run(capsys, "download", "someone/tiny", "--name", "mine")
    assert (status, output, errors) == (0, f"mine is ready in {folders.models / 'mine'}.\n", "")
    assert run(capsys, "verify", "mine")[:2] == (0, "mine is sound: its files match their hashes.\n")
    status, output, _ = run(capsys, "export", "mine", str(tmp_path / "out"))
    assert (status, output) == (0, f"Exported mine to {tmp_path / 'out'}.\n")
    status, output, _ = run(capsys, "import", str(tmp_path / "out"), "--name", "copy", "--json")
    assert (status, lines(output)[0]["event"], lines(output)[0]["name"]) == (0, "imported", "copy")
    assert run(capsys, "import", str(tmp_path / "out"), "--name", "linked", "--link")[0] == 0
    assert main(["complete", "Once", "--model", "linked", "--max-tokens", "3"]) == 0
    capsys.readouterr()
    status, output, _ = run(capsys, "remove", "mine")
    assert (status, output) == (0, "Removed mine; 13 MB freed.\n")
    assert run(capsys, "remove", "linked")[0] == 0
    assert (tmp_path / "out" / WEIGHTS).exists()


def test_a_download_tells_programs_how_far_it_is(capsys: pytest.CaptureFixture[str], hub: Hub) -> None:
    status, output, errors = run(capsys, "download", "someone/tiny", "--json")
    assert (status, errors) == (0, "")
    events = lines(output)
    assert [event["state"] for event in events[:2]] == ["queued", "resolving"]
    assert events[-1]["event"] == "ready"
    assert events[-2]["done"] == events[-2]["total"]


def test_what_was_tried_and_failed_exits_with_one(
    capsys: pytest.CaptureFixture[str], hub: Hub, folders: Folders
) -> None:
    status, output, errors = run(capsys, "download", "someone/nothing")
    assert (status, output) == (1, "")
    assert errors.startswith("The hub has no model called someone/nothing")
    assert everything(folders.models) == [], "there is nothing to go on with"
    hub.faults.extend([None, Fault(flip=3)])
    status, output, _ = run(capsys, "download", "someone/tiny", "--json")
    assert status == 1
    assert lines(output)[-1]["event"] == "failed"
    assert "arrived damaged" in lines(output)[-1]["error"]


def test_a_damaged_file_makes_verify_exit_with_one(
    capsys: pytest.CaptureFixture[str], hub: Hub, folders: Folders
) -> None:
    run(capsys, "download", "someone/tiny")
    path = folders.models / "tiny" / WEIGHTS
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    status, output, errors = run(capsys, "verify", "tiny")
    assert (status, output) == (1, "")
    assert "model.safetensors of tiny is damaged: it should have the hash " in errors
    assert errors.endswith("; remove the model and download it again.\n")
    path.write_bytes(data[:-1000])
    status, output, errors = run(capsys, "verify", "tiny", "--json")
    assert (status, errors) == (1, "")
    (failed,) = lines(output)
    assert f"model.safetensors is damaged or incomplete: it has {len(data) - 1000:,} bytes" in failed["error"]
    path.unlink()
    assert run(capsys, "verify", "tiny")[0] == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("download", "x"),
        ("download", "../x/y"),
        ("verify", "gpt2"),
        ("verify", "nothing"),
        ("info", ""),
        ("import", "/no/such/folder"),
        ("export", "nothing", "x"),
        ("export", "stories", "x.gguf", "--precision", "int4"),
        ("remove", "stories"),
        ("remove", "../models"),
        ("frobnicate",),
        (),
    ],
    ids=" ".join,
)
def test_what_cannot_be_asked_for_exits_with_two(
    capsys: pytest.CaptureFixture[str], hub: Hub, arguments: tuple[str, ...]
) -> None:
    status, output, errors = run(capsys, *arguments)
    assert (status, output) == (2, "")
    assert errors.count("\n") == 1


@pytest.mark.parametrize(("name", "value"), [("HF_ENDPOINT", "http://[bad"), ("HF_TOKEN", "ключ")])
def test_settings_that_are_none_are_named(hub: Hub, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    result = subprocess.run(
        [*PROGRAM, "download", "someone/tiny"], capture_output=True, encoding="utf-8", timeout=600, check=False
    )
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("The hub cannot be asked (")
    assert result.stderr.endswith("; check HF_ENDPOINT, HF_TOKEN and the proxies' settings.\n")


@posix
def test_ctrl_c_keeps_the_part_and_says_how_to_go_on(
    hub: Hub, folders: Folders, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.always = Fault(bytes_per_s=3e6)
    command = [*PROGRAM, "download", "someone/tiny", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for line in process.stdout:
            if json.loads(line).get("done", 0) > 500_000:
                break
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=600)
    assert (process.returncode, errors) == (130, "")
    assert lines(output)[-1] == {"event": "paused"}
    here = (folders.models / DOWNLOADS / "tiny" / f"{WEIGHTS}.part").stat().st_size
    assert here > 400_000
    _, output, _ = run(capsys, "list")
    assert any(
        line.endswith("incomplete; resume with: gptdesk models download someone/tiny") for line in output.splitlines()
    )
    hub.always = None
    assert run(capsys, "download", "someone/tiny")[0] == 0
    assert hub.last().start == here


@posix
def test_a_terminal_shows_a_bar(hub: Hub) -> None:
    import pty

    hub.always = Fault(bytes_per_s=2e7)
    master, slave = pty.openpty()
    with subprocess.Popen([*PROGRAM, "download", "someone/tiny"], stdout=subprocess.PIPE, stderr=slave) as process:
        os.close(slave)
        shown = b""
        try:
            while piece := os.read(master, 4096):
                shown += piece
        except OSError:  # the other end was closed
            pass
        os.close(master)
    assert process.wait() == 0
    text = shown.decode()
    assert re.search(r"someone/tiny  █+░+ +\d+%  [\d.]+ [kM]B of 10 MB, [\d.]+ MB/s, [\d.]+ s left", text), text
    assert "100%" in text


def test_a_model_without_safetensors_is_imported_by_its_pickle(
    capsys: pytest.CaptureFixture[str], tiny_model_folder: Path, tmp_path: Path, folders: Folders
) -> None:
    import torch
    from transformers import GPT2LMHeadModel

    shutil.copy(tiny_model_folder / "config.json", tmp_path)
    torch.save(GPT2LMHeadModel.from_pretrained(tiny_model_folder).state_dict(), tmp_path / "pytorch_model.bin")
    status, output, _ = run(capsys, "import", str(tmp_path / "pytorch_model.bin"), "--name", "old")
    assert (status, output) == (0, f"{tmp_path / 'pytorch_model.bin'} is imported as old.\n")


def test_relatives_of_gpt2_are_listed_when_all_are_asked_for(capsys: pytest.CaptureFixture[str], hub: Hub) -> None:
    more = [known for known in KNOWN if known.more]
    _, output, _ = run(capsys, "list")
    assert "DialoGPT-small" not in output
    assert output.endswith(f"{len(more)} more to download: gptdesk models list --all\n")
    _, output, _ = run(capsys, "list", "--all")
    assert re.search(r"^DialoGPT-small +124M +351 MB  to download$", output, re.MULTILINE)
    assert "--all" not in output


def test_a_known_model_without_a_pinned_revision_is_downloaded_at_the_newest(
    capsys: pytest.CaptureFixture[str], hub: Hub, folders: Folders, tiny_model_folder: Path
) -> None:
    known = find_known("battlestar-gpt2-small-x49")
    assert known is not None
    assert known.revision == ""
    hub.add(known.repo, tiny_model_folder)
    status, _, errors = run(capsys, "download", known.name)
    assert (status, errors) == (0, "")
    entry = Library(folders).entry(known.name)
    assert COMMIT.fullmatch(entry.revision)
    assert len(entry.sha256["model.safetensors"]) == 64
    assert entry.note == known.note
