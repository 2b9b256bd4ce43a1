"""What a preparation says of itself while it goes on and in the end: progress.json, and the command's lines."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from gptdesk.errors import UserError
from gptdesk.files import write_json
from tests.patience import wait_for
from trainer.cli import main
from trainer.prepare import Progress, Request, WorkOptions, prepare
from trainer.prepare.progress_file import PROGRESS

ROOT = Path(__file__).parents[2]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.txt"
    path.write_text("\n<|endoftext|>\n".join(f"Document {i}. " + f"{i} is a number. " * 30 for i in range(200)))
    return path


@pytest.fixture
def request_(source: Path) -> Request:
    return Request(sources=(str(source),), validation_share=0.2, unit_bytes=10_000, shard_tokens=5_000)


def shown(folder: Path) -> dict[str, Any]:
    values = json.loads((folder / PROGRESS).read_text())
    assert values.keys() == {
        "state", "units_done", "units", "bytes_done", "bytes", "downloaded", "download", "documents", "tokens",
        "documents_per_s", "tokens_per_s", "seconds_left", "broken", "error", "pid", "t",
        "makes_vocabulary",
    }  # fmt: skip
    return values


def test_the_file_follows_a_preparation_to_its_end(
    tmp_path: Path, request_: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("progress", "progress_file"):
        monkeypatch.setattr(f"trainer.prepare.{module}._EVERY_SECONDS", 0)
    folder = tmp_path / "out"
    seen = []
    before = time.time()
    manifest = prepare(
        request_,
        folder,
        planned=lambda _: seen.append(shown(folder)),
        progress=lambda _: seen.append(shown(folder)),
    )
    end = shown(folder)
    states = [values["state"] for values in seen]
    assert list(dict.fromkeys(states)) == ["planning", "encoding", "merging"]
    assert states == sorted(states, key=("planning", "encoding", "merging").index)
    for name in ("units_done", "documents", "tokens"):
        counts = [values[name] for values in seen]
        assert counts == sorted(counts)
    last = [values for values in seen if values["state"] == "encoding"][-1]
    assert last["units_done"] == last["units"] > 5
    assert last["bytes_done"] == last["bytes"] == Path(request_.sources[0]).stat().st_size
    assert last["documents_per_s"] > 0
    assert last["tokens_per_s"] > 0
    assert any(values["seconds_left"] is not None for values in seen)
    assert (end["state"], end["error"], end["seconds_left"], end["pid"]) == ("finished", None, None, os.getpid())
    assert (end["documents"], end["tokens"]) == (manifest["documents"], manifest["tokens"])
    assert end["bytes_done"] == end["bytes"] == 2 * manifest["tokens"]
    assert before <= end["t"] <= time.time()


def test_it_is_written_at_most_so_often(tmp_path: Path, request_: Request, monkeypatch: pytest.MonkeyPatch) -> None:
    states = []

    def write(path: Path, values: dict[str, Any], **how: Any) -> None:
        states.append(values["state"])
        write_json(path, values, **how)

    monkeypatch.setattr("trainer.prepare.progress._EVERY_SECONDS", 0)
    monkeypatch.setattr("trainer.prepare.progress_file._EVERY_SECONDS", float("inf"))
    monkeypatch.setattr("trainer.prepare.progress_file.write_json", write)
    prepare(request_, tmp_path / "out")
    assert states == ["planning", "encoding", "merging", "finished"]


def test_what_was_done_before_is_counted_but_not_as_speed(
    tmp_path: Path, request_: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainer.prepare.progress._EVERY_SECONDS", 0)

    class Stop(BaseException):
        pass

    def stop(now: Progress) -> None:
        if now.units >= 4:
            raise Stop

    with pytest.raises(Stop):
        prepare(request_, tmp_path / "out", progress=stop)
    assert shown(tmp_path / "out")["state"] == "stopped"
    seen: list[Progress] = []
    prepare(request_, tmp_path / "out", progress=seen.append)
    assert seen[0].units == 4 < seen[0].units_total
    assert seen[0].tokens > 0
    assert seen[0].tokens_per_s == 0


def test_a_failure_is_told_with_its_sentence(tmp_path: Path, request_: Request, source: Path) -> None:
    bad = tmp_path / "bad.txt"
    bad.write_bytes(b"\x89PNG\r\n\x1a\n\0")
    request = Request(sources=(str(source), str(bad)))
    with pytest.raises(UserError) as error:
        prepare(request, tmp_path / "out", WorkOptions(strict=True))
    assert (shown(tmp_path / "out")["state"], shown(tmp_path / "out")["error"]) == ("failed", str(error.value))
    prepare(request, tmp_path / "out")
    end = shown(tmp_path / "out")
    assert (end["state"], end["error"], end["broken"]) == ("finished", None, 1)


def test_a_failure_to_plan_is_told_too(tmp_path: Path, request_: Request) -> None:
    with pytest.raises(UserError):
        prepare(Request(sources=(str(tmp_path / "nowhere"),)), tmp_path / "out")
    assert shown(tmp_path / "out")["state"] == "failed"
    assert "nowhere" in shown(tmp_path / "out")["error"]
    prepare(request_, tmp_path / "out")
    assert shown(tmp_path / "out")["state"] == "finished"


def test_nothing_is_told_in_a_folder_that_is_not_ours(tmp_path: Path, request_: Request) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match="is not empty"):
        prepare(request_, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["thesis.txt"]


def test_what_cannot_be_told_stops_nothing(tmp_path: Path, request_: Request) -> None:
    (tmp_path / "out" / PROGRESS / "in the way").mkdir(parents=True)
    assert prepare(request_, tmp_path / "out")["documents"] == 200


def test_on_a_disk_without_room_for_another_file_the_end_is_still_told(
    tmp_path: Path, request_: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(_: object) -> None:
        monkeypatch.setattr("trainer.prepare.progress_file.write_json", full)
        raise UserError("The disk is full.")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(UserError):
        prepare(request_, tmp_path / "out", planned=fill)
    assert (shown(tmp_path / "out")["state"], shown(tmp_path / "out")["error"]) == ("failed", "The disk is full.")


@pytest.mark.skipif(os.name == "nt", reason="has no SIGTERM")
def test_sigterm_while_planning_is_a_stop(tmp_path: Path, source: Path) -> None:
    program = """
import sys, time
from trainer.cli import main
from trainer.prepare.plan import Plan
def wait_for_the_hub(*_):
    while True:
        time.sleep(0.01)  # not signal.pause, which would miss a signal that comes just before it
Plan.make = wait_for_the_hub
sys.exit(main())
"""
    command = [sys.executable, "-c", program, "prepare", str(source), "--out", str(tmp_path / "out")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_for((tmp_path / "out" / PROGRESS).exists, "the first report", alive=lambda: process.poll() is None)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate()
    assert (process.returncode, errors) == (143, "")
    assert shown(tmp_path / "out")["state"] == "stopped"


def test_a_name_that_the_terminal_cannot_show_is_told_with_escapes(tmp_path: Path, source: Path) -> None:
    (tmp_path / "é漢.txt").write_bytes(b"\x89PNG\r\n\x1a\n\0")
    command = [sys.executable, "-m", "trainer", "prepare", str(tmp_path), "--out", str(tmp_path / "out")]
    environment = os.environ | {"PYTHONIOENCODING": "ascii:strict"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\xe9\\u6f22.txt: is not text but a picture" in done.stdout


def test_a_plan_is_only_said(tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prepare", str(source), "--out", str(tmp_path / "out"), "--plan", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["files"] == 1
    assert not (tmp_path / "out").exists()


def test_too_little_room_is_refused_before_anything_is_read(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 2_000})())
    assert main(["prepare", str(source), "--out", str(tmp_path / "out")]) == 2
    assert "and 2 kB are free; make room or choose another --out." in capsys.readouterr().err
    assert shown(tmp_path / "out")["state"] == "failed"
    assert not (tmp_path / "out" / "plan.json").exists()
