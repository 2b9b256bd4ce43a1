"""Real trainers, launched and left alone."""

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gptdesk.errors import UserError
from gptdesk.files import read_json, write_json
from gptdesk.locks import FileLock, is_locked
from gptdesk.training.checkpoints import checkpoints
from gptdesk.training.detached import start_detached
from gptdesk.training.diagnosis import diagnose
from gptdesk.training.history.samples import ConsoleTail
from gptdesk.training.index import RunEntry, RunIndex
from gptdesk.training.launch import (
    COMMAND,
    TORCHRUN,
    Launcher,
    command_line,
    new_run_folder,
    quoted_for_cmd,
    resume_run,
    shown_command,
    start_run,
    to_toml,
    typed_command,
)
from gptdesk.training.launch_record import LOCK, ask
from trainer.commands.train import _given
from trainer.config.schema import build_config
from trainer.config.values import read_preset, read_toml
from trainer.run_directory.events import EventTail
from trainer.run_directory.requests import send_request
from trainer.run_directory.state import read_state

Values = Callable[..., dict[str, Any]]
Wait = Callable[..., Any]

ENDLESS = {"steps": 1_000_000}


@pytest.fixture
def entry_of(runs: Path, tmp_path: Path) -> Callable[[Path], RunEntry]:
    index = RunIndex(tmp_path / "runs.json", runs)

    def entry(folder: Path) -> RunEntry:
        return next(entry for entry in index.scan() if entry.folder == folder)

    return entry


def test_a_launched_run_is_starting_at_once_and_finishes(
    make_values: Values, runs: Path, entry_of: Callable[[Path], RunEntry], wait: Wait
) -> None:
    folder = new_run_folder(runs, "Zum ersten Mal")
    values = make_values()
    start_run(values, folder, name="Zum ersten Mal")
    assert entry_of(folder).state.state == "starting"
    wait(lambda: entry_of(folder).state.state == "finished")
    entry = entry_of(folder)
    assert (entry.name, entry.step, entry.steps, entry.active) == ("Zum ersten Mal", 6, 6, False)
    assert entry.best_loss is not None
    wait(lambda: not is_locked(folder / LOCK))
    entry_of(folder)
    assert (read_json(folder / "launch.json") or {})["code"] == 0
    console = ConsoleTail(folder)
    console.update()
    assert console.lines[-1] == "Finished."
    assert sum("step       1" in line for line in console.lines) == 1, "said once, though it is standard output, too"
    assert build_config(read_toml(folder / "config.toml")) == build_config(values)


@pytest.mark.parametrize("again", [False, True])
def test_a_run_that_is_only_starting_stops_and_saves_when_it_is_asked_to(
    make_values: Values, runs: Path, entry_of: Callable[[Path], RunEntry], wait: Wait, again: bool
) -> None:
    folder = runs / "hasty"
    start_run(make_values(schedule=ENDLESS), folder)
    if again:
        wait(lambda: entry_of(folder).state.state == "running")
        send_request(folder, "stop")
        wait(lambda: entry_of(folder).state.state == "stopped" and not is_locked(folder / LOCK))
        resume_run(folder)
    request = ask(folder, "stop")
    assert entry_of(folder).state.state == "starting"
    wait(lambda: entry_of(folder).state.state == "stopped")
    answer = next(event for event in EventTail(folder).read() if event.get("id") == request)
    assert answer["done"]
    assert checkpoints(folder)


def test_a_run_goes_on_when_who_started_it_ends(make_values: Values, runs: Path, wait: Wait) -> None:
    folder = runs / "orphan"
    program = (
        "import sys, json; from pathlib import Path; from gptdesk.training.launch import start_run;"
        "print(start_run(json.loads(sys.argv[1]), Path(sys.argv[2])))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps(make_values()), str(folder)],
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    assert is_locked(folder / LOCK)
    assert os.getsid(int(done.stdout)) == int(done.stdout), "no terminal of ours can end it"
    wait(lambda: read_state(folder).state == "finished")


def test_a_killed_run_is_crashed_though_its_process_was_not_taken_leave_of_and_goes_on(
    make_values: Values, runs: Path, entry_of: Callable[[Path], RunEntry], wait: Wait
) -> None:
    folder = runs / "killed"
    pid = start_run(make_values(schedule=ENDLESS), folder)
    wait(lambda: any(event["ev"] == "checkpoint" for event in EventTail(folder).read()))
    assert entry_of(folder).state.state == "running"
    os.kill(pid, signal.SIGKILL)
    wait(lambda: not is_locked(folder / LOCK))
    assert read_state(folder).state == "crashed", "a zombie holds no lock"
    entry = entry_of(folder)
    assert (entry.state.state, entry.active) == ("crashed", False)
    diagnosis = diagnose(folder, entry.state)
    assert diagnosis.cause == "killed"
    assert diagnosis.step is not None
    assert diagnosis.step >= 3
    assert diagnosis.output
    first = max(event["seg"] for event in EventTail(folder).read())
    resume_run(folder)
    assert entry_of(folder).state.state == "starting"
    with pytest.raises(UserError, match="already"):
        resume_run(folder)
    wait(lambda: any(event["ev"] == "step" and event["seg"] > first for event in EventTail(folder).read()))
    resumed = next(event for event in EventTail(folder).read() if event["ev"] == "step" and event["seg"] > first)
    assert resumed["step"] == diagnosis.step + 1
    assert entry_of(folder).state.state == "running"
    send_request(folder, "stop")
    wait(lambda: entry_of(folder).state.state == "stopped")


def test_torchrun_starts_as_many_processes_as_asked_for_and_one_that_is_killed_ends_them(
    make_values: Values, runs: Path, wait: Wait
) -> None:
    folder = runs / "two"
    start_run(make_values(data={"micro_batch_size": 2}, schedule=ENDLESS), folder, Launcher(kind=TORCHRUN, processes=2))
    wait(lambda: any(event["ev"] == "checkpoint" for event in EventTail(folder).read()))
    assert [event["processes"] for event in EventTail(folder).read() if event["ev"] == "start"] == [2]
    os.kill((read_json(folder / "status.json") or {})["pid"], signal.SIGKILL)
    wait(lambda: not is_locked(folder / LOCK))
    assert read_state(folder).state == "crashed"
    assert diagnose(folder, read_state(folder)).cause == "killed"


def test_a_disk_without_room_for_the_settings_starts_nothing(
    make_values: Values, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(UserError, match="No space left"):
        start_run(make_values(), runs / "it")
    monkeypatch.undo()
    monkeypatch.setattr("os.replace", full)
    with pytest.raises(UserError, match="No space left"):
        start_run(make_values(), runs / "it")
    assert not (runs / "it").exists()


def test_a_launcher_that_fails_leaves_a_crashed_run_that_says_why_and_can_be_tried_again(
    make_values: Values, runs: Path, entry_of: Callable[[Path], RunEntry], wait: Wait
) -> None:
    folder = runs / "refused"
    start_run(make_values(), folder, Launcher(kind=COMMAND, template="echo No such queue. >&2; exit 3; {command}"))
    wait(lambda: entry_of(folder).state.state == "crashed")
    diagnosis = diagnose(folder, entry_of(folder).state)
    assert (diagnosis.cause, diagnosis.output) == ("error", ("No such queue.",))
    assert "code 3" in diagnosis.sentence
    assert diagnosis.checkpoint is None
    resume_run(folder, Launcher())
    wait(lambda: entry_of(folder).state.state == "finished")


def test_a_run_that_was_handed_to_a_queue_waits(
    make_values: Values, runs: Path, entry_of: Callable[[Path], RunEntry], wait: Wait, tmp_path: Path
) -> None:
    folder = runs / "queued"
    start_run(make_values(), folder, Launcher(kind=COMMAND, template="echo queued {command}"), name="later")
    wait(lambda: not is_locked(folder / LOCK))
    entry = entry_of(folder)
    assert (entry.state.state, entry.name, entry.active) == ("starting", "later", True)
    RunIndex(tmp_path / "runs.json", runs).delete(folder)
    assert not folder.exists()


@pytest.mark.parametrize(
    "template",
    ["printf '%s\\n' {arguments}", "sh -c 'printf \"%s\\n\" {arguments}'", "sh -c \"printf '%s\\n' {arguments}\""],
    ids=["plain", "in single quotes", "in double quotes"],
)
def test_what_a_template_names_is_quoted_as_its_place_needs(
    make_values: Values, runs: Path, wait: Wait, template: str
) -> None:
    folder = runs / "a $HOME `b` \"c\" 'd'"
    start_run(make_values(), folder, Launcher(kind=COMMAND, template=template))
    wait(lambda: not is_locked(folder / LOCK))
    said = (folder / "console.log").read_text(encoding="utf-8").splitlines()
    assert said == ["train", "--config", str(folder / "config.toml"), "--out", str(folder)]


def test_command_lines_are_those_of_a_shell(runs: Path) -> None:
    folder = runs / "it"
    assert shlex.split(shown_command(folder, resume=True)) == [sys.executable, "-m", "trainer", "resume", str(folder)]
    torchrun = command_line(folder, Launcher(kind=TORCHRUN, processes=4))
    assert torchrun[1:8] == [
        "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "4", "-m", "trainer",
    ]  # fmt: skip
    template = Launcher(kind=COMMAND, template="nice {command} > {folder}/{unknown}")
    assert shown_command(Path("/runs/a b"), template) == (
        "nice python -m trainer train --config '/runs/a b/config.toml' --out '/runs/a b' > '/runs/a b'/{unknown}"
    )


@pytest.mark.parametrize(
    ("argument", "quoted"),
    [
        ("C:\\runs", "C:\\runs"),
        ("C:\\my runs\\", '"C:\\my runs\\\\"'),
        ("C:\\R&D\\runs", '"C:\\R&D\\runs"'),
        ("C:\\a(1)\\", '"C:\\a(1)\\\\"'),
        ("", '""'),
    ],
)
def test_signs_of_the_windows_shell_are_quoted(argument: str, quoted: str) -> None:
    assert quoted_for_cmd(argument) == quoted


def test_a_frozen_program_is_the_trainers_interpreter(runs: Path) -> None:
    frozen = "import sys; sys.frozen = True; from gptdesk.cli import main; sys.exit(main())"
    arguments = command_line(runs / "it", resume=True)[1:]
    for options in ([], ["-u"]):  # torchrun starts its own with -u
        done = subprocess.run(
            [sys.executable, "-c", frozen, *options, *arguments],
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert "is no run directory" in done.stderr


def test_the_typed_command_means_the_same_run(make_values: Values, runs: Path) -> None:
    prompts = ["true", "-1", "--json", "Es war einmal 🐉", 'say "no"', ""]
    values = make_values(run={"sample_prompts": prompts}, model={"init_from": ""}, optim={"optimizer": "muon"})
    words = shlex.split(typed_command(values, runs / "it"))
    assert words[:6] == [sys.executable, "-m", "trainer", "train", "--out", str(runs / "it")]
    again = _given(None, words[6:], data=None, out=None)
    assert build_config(again) == build_config(values)


def test_a_settings_file_holds_what_differs_and_comes_back(tmp_path: Path) -> None:
    values = {**read_preset("gpt2-124m"), "run": {"sample_prompts": ["猫 🐉\n\x7f\\"]}}
    (tmp_path / "it.toml").write_text(to_toml(values), encoding="utf-8")
    assert build_config(read_toml(tmp_path / "it.toml")) == build_config(values)
    assert "n_head" not in to_toml(values), "a default"
    assert to_toml({}) == ""


def test_new_folders_are_new_and_named_for_people(tmp_path: Path) -> None:
    first = new_run_folder(tmp_path, "  Ein/Versuch: №2 ")
    assert first.name[15:] == "-ein-versuch-2"
    assert new_run_folder(tmp_path, "../..").name[15:] == "-run"
    first.mkdir()
    assert not new_run_folder(tmp_path, "  Ein/Versuch: №2 ").exists()


def test_what_cannot_be_started_is_refused_and_leaves_nothing(
    make_values: Values, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = runs / "none"
    for launcher, sentence in (
        (Launcher(kind=COMMAND, template="sbatch"), "must hold"),
        (Launcher(kind=TORCHRUN, processes=0), "1 process or more"),
        (Launcher(kind=TORCHRUN, processes=3), "multiple of micro_batch_size times processes"),
    ):
        with pytest.raises(UserError, match=sentence):
            start_run(make_values(), folder, launcher)
    with pytest.raises(UserError, match="n_head"):
        start_run(make_values(model={"n_head": 3.5}), folder)
    monkeypatch.setattr(sys, "executable", str(runs / "no-python"))
    with pytest.raises(UserError, match="cannot be started"):
        start_run(make_values(), folder)
    assert not folder.exists()


def test_a_run_that_is_only_starting_is_not_started_over(make_values: Values, runs: Path, wait: Wait) -> None:
    folder = runs / "once"
    pid = start_run(make_values(), folder)
    before = (folder / "config.toml").read_text()
    with pytest.raises(UserError, match="holds a run already"):
        start_run(make_values(schedule={"steps": 7}), folder)
    assert (folder / "config.toml").read_text() == before
    assert (read_json(folder / "launch.json") or {})["pid"] == pid
    wait(lambda: read_state(folder).state == "finished")


def test_a_start_that_another_holds_off_leaves_its_record(tmp_path: Path) -> None:
    write_json(tmp_path / "record", {"pid": 7})
    lock = FileLock(tmp_path / "lock")
    places = {name: tmp_path / name for name in ("output", "lock", "record")}
    with pytest.raises(UserError, match="being started already"):
        start_detached(["true"], folder=tmp_path, values={"t": 1}, **places)
    lock.release()
    assert read_json(tmp_path / "record") == {"pid": 7}


def test_a_folder_with_a_run_is_not_trained_over(make_values: Values, runs: Path) -> None:
    folder = runs / "old"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text("{}")
    with pytest.raises(UserError, match="holds a run already"):
        start_run(make_values(), folder)
    (folder / "run.json").unlink()
    with pytest.raises(UserError, match="no run directory"):
        resume_run(folder)
    assert list(folder.iterdir()) == []
