"""Why runs crashed, told from what they left behind."""

import json
import os
import signal
import socket
from pathlib import Path
from typing import Any

import pytest

from gptdesk.files import write_json
from gptdesk.training.diagnosis import Diagnosis, diagnose
from trainer.run_directory.state import RunState, read_state


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_json(tmp_path / "run.json", {"format": 1, "id": "x", "config": {}})
    return tmp_path


def diagnosis_of(
    folder: Path, *, console: str = "", status: Any = None, exit: Any = None, code: Any = None
) -> Diagnosis:
    (folder / "console.log").write_text(console, encoding="utf-8")
    write_json(folder / "status.json", {"host": socket.gethostname(), "segment": 0, **(status or {})})
    if exit is not None:
        write_json(folder / "exit.json", {"state": "crashed", "cause": "", **exit})
    if code is not None:
        write_json(folder / "launch.json", {"t": 1.0, "launcher": {"kind": "here"}, "segment": -1, "code": code})
    return diagnose(folder, read_state(folder))


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB.", "memory"),
        ("RuntimeError: [enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory", "memory"),
        ("MemoryError: ", "memory"),
        ("OSError: [Errno 28] No space left on device", "disk"),
        ("RuntimeError: shapes do not match", "error"),
    ],
)
def test_an_error_that_the_trainer_told_of(folder: Path, reason: str, cause: str) -> None:
    traceback = f"Traceback (most recent call last):\n  File ...\n{reason}\n"
    diagnosis = diagnosis_of(folder, exit={"code": 1, "reason": reason, "traceback": traceback})
    assert (diagnosis.cause, diagnosis.traceback) == (cause, traceback)
    assert diagnosis.advice
    if cause == "error":
        assert diagnosis.sentence == reason


def test_a_loss_that_was_not_finite(folder: Path) -> None:
    diagnosis = diagnosis_of(
        folder, exit={"code": 2, "cause": "not finite", "reason": "The loss is not finite at step 7."}
    )
    assert (diagnosis.cause, diagnosis.sentence) == ("not finite", "The loss is not finite at step 7.")


def test_settings_that_cannot_work(folder: Path) -> None:
    diagnosis = diagnosis_of(folder, exit={"code": 2, "reason": "There is no data."})
    assert (diagnosis.cause, diagnosis.sentence) == ("settings", "There is no data.")


def test_a_trainer_that_refused_before_it_began(folder: Path) -> None:
    (folder / "run.json").unlink()
    console = "There is no setting run.folders.\n"
    diagnosis = diagnosis_of(folder, console=console, code=2, status={"segment": -1})
    assert (diagnosis.cause, diagnosis.sentence) == ("settings", "There is no setting run.folders.")


def test_an_old_farewell_does_not_explain_a_new_launch_that_failed(folder: Path) -> None:
    write_json(folder / "launch.json", {"t": 9.0, "launcher": {"kind": "here"}, "segment": 0, "code": 1})
    console = 'Saved.\nTraceback (most recent call last):\n  File "x"\nModuleNotFoundError: No module named torch\n'
    diagnosis = diagnosis_of(folder, console=console, exit={"state": "stopped", "reason": "asked to"})
    assert diagnosis.cause == "error"
    assert diagnosis.sentence == "The trainer ended with an error: ModuleNotFoundError: No module named torch"
    assert diagnosis.traceback.splitlines()[-1] == "ModuleNotFoundError: No module named torch"


@pytest.mark.parametrize(
    ("code", "console", "cause"),
    [
        (-signal.SIGKILL, "step 1\n", "killed"),
        (None, "step 1\n", "killed"),
        (-signal.SIGSEGV, "step 1\n", "error"),
        (None, "Fatal Python error: Segmentation fault\n\nCurrent thread ...\n", "error"),
        (None, "terminate called after throwing an instance of 'std::bad_alloc'\n", "memory"),
        (None, "OSError: [Errno 28] No space left on device\n", "disk"),
        (7, "", "error"),
    ],
)
def test_a_trainer_that_said_no_farewell(folder: Path, code: int | None, console: str, cause: str) -> None:
    diagnosis = diagnosis_of(folder, console=console, code=code)
    assert diagnosis.cause == cause
    assert diagnosis.sentence.endswith(".")


def launch_once_more(folder: Path, *, segment: int, **values: Any) -> None:
    """As the window records it when it resumes a run that has printed something."""
    printed = (folder / "console.log").stat().st_size
    record = {"t": 9.0, "launcher": {"kind": "here"}, "segment": segment, "console": printed}
    write_json(folder / "launch.json", record | values)


def test_what_an_earlier_trainer_printed_does_not_explain_the_end_of_a_later_one(folder: Path) -> None:
    diagnosis_of(folder, console="MemoryError: \n")
    launch_once_more(folder, segment=0)
    with (folder / "console.log").open("a") as console:
        console.write("Going on from step 5.\nstep 6\n")
    write_json(folder / "status.json", {"host": socket.gethostname(), "segment": 1})
    diagnosis = diagnose(folder, read_state(folder))
    assert (diagnosis.cause, diagnosis.output) == ("killed", ("Going on from step 5.", "step 6"))


def test_a_console_that_was_cut_since_the_launch_is_read_from_its_beginning(folder: Path) -> None:
    diagnosis_of(folder, console="step 1\n" * 9)
    launch_once_more(folder, segment=0)
    assert diagnosis_of(folder, console="MemoryError: \n", status={"segment": 1}).cause == "memory"


def test_the_code_of_a_launch_does_not_explain_a_trainer_that_came_after_it(folder: Path) -> None:
    assert diagnosis_of(folder, console="step 1\n", code=2, status={"segment": 0}).cause == "settings"
    assert diagnosis_of(folder, console="step 1\n", code=2, status={"segment": 1}).cause == "killed"


def test_a_computer_that_was_restarted(folder: Path) -> None:
    diagnosis = diagnosis_of(folder, status={"boot_id": "another"})
    assert diagnosis.cause == "killed"
    assert "restarted" in diagnosis.sentence


def test_a_run_that_was_lost(folder: Path) -> None:
    diagnosis = diagnosis_of(folder, status={"host": "node7", "heartbeat": 5.0})
    assert diagnosis.cause == "lost"
    assert "node7" in diagnosis.sentence


def test_the_newest_checkpoint_whose_files_have_their_sizes_is_named(folder: Path) -> None:
    for step, size in ((10, 3), (20, 3), (30, 2)):
        checkpoint = folder / "checkpoints" / f"step-{step:08d}"
        checkpoint.mkdir(parents=True)
        (checkpoint / "model.safetensors").write_bytes(b"abc"[:size])
        manifest = {"model.safetensors": {"bytes": 3, "sha256": ""}}
        (checkpoint / "manifest.json").write_text(json.dumps(manifest))
    (folder / "checkpoints" / "step-00000040").mkdir()
    (folder / "checkpoints" / ".tmp-step-00000050").mkdir()
    diagnosis = diagnosis_of(folder)
    assert (diagnosis.step, diagnosis.checkpoint) == (20, folder / "checkpoints" / "step-00000020")


def test_a_console_of_gigabytes_is_not_read_as_a_whole(folder: Path) -> None:
    with (folder / "console.log").open("wb") as file:
        file.truncate(3 << 30)
        file.seek(0, os.SEEK_END)
        file.write(b"\n" + b"".join(b"line %d\n" % number for number in range(100)))
    diagnosis = diagnose(folder, RunState("crashed", {}, {}))
    assert diagnosis.output == tuple(f"line {number}" for number in range(60, 100))


def test_a_run_that_has_vanished_is_no_error(tmp_path: Path) -> None:
    diagnosis = diagnose(tmp_path / "gone", RunState("crashed", {}, {}))
    assert (diagnosis.output, diagnosis.checkpoint, diagnosis.step) == ((), None, None)
