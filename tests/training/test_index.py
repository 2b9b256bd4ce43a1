"""Runs found, read as they are, named and removed."""

import json
import os
import shutil
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gptdesk.errors import UserError
from gptdesk.files import write_json
from gptdesk.locks import FileLock
from gptdesk.training.index import RunEntry, RunIndex
from trainer.run_directory.writer import RunWriter

MakeRun = Callable[..., Path]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder


@pytest.fixture
def index(tmp_path: Path, runs: Path) -> RunIndex:
    return RunIndex(tmp_path / "data" / "runs.json", runs)


@pytest.fixture
def make_run(runs: Path) -> MakeRun:
    """Writes a run directory: ``run.json`` and, when given, ``status.json`` and ``exit.json``."""

    def make(name: str, *, status: Any = None, exit: Any = None, place: Path = runs, **description: Any) -> Path:
        folder = place / name
        folder.mkdir(parents=True)
        config = {"schedule": {"steps": 100}}
        write_json(folder / "run.json", {"format": 1, "id": f"id of {name}", "t": 1.0, "config": config, **description})
        if status is not None:
            write_json(folder / "status.json", {"state": "running", "host": socket.gethostname(), **status})
        if exit is not None:
            write_json(folder / "exit.json", exit)
        return folder

    return make


def only(index: RunIndex) -> RunEntry:
    (entry,) = index.scan()
    return entry


def test_an_entry_says_what_its_files_say(index: RunIndex, make_run: MakeRun) -> None:
    status = {"step": 40, "loss": 3.5, "best_loss": 3.25, "best_step": 30, "seconds_left": 9, "heartbeat": 7.0}
    folder = make_run("one", status=status, exit={"state": "stopped", "t": 8.0})
    entry = only(index)
    assert (entry.folder, entry.id, entry.name, entry.tags, entry.pinned) == (folder, "id of one", "one", (), False)
    assert (entry.state.state, entry.active, entry.step, entry.steps) == ("stopped", False, 40, 100)
    assert (entry.loss, entry.best_loss, entry.best_step, entry.seconds_left) == (3.5, 3.25, 30, None)
    assert (entry.created, entry.ended, entry.problem) == (1.0, 8.0, "")


def test_a_process_id_that_was_given_out_again_keeps_no_run_alive(index: RunIndex, make_run: MakeRun) -> None:
    folder = make_run("one", status={"pid": os.getpid(), "heartbeat": time.time()})
    (folder / "run.lock").touch()
    assert only(index).state.state == "crashed"


@pytest.mark.parametrize("hours", [-1000, 0, 1000])
def test_a_clock_that_jumped_ends_no_run_and_wakes_none(index: RunIndex, make_run: MakeRun, hours: int) -> None:
    folder = make_run("one", status={"heartbeat": time.time() + hours * 3600, "seconds_left": 5})
    lock = FileLock(folder / "run.lock")
    assert (only(index).state.state, only(index).seconds_left) == ("running", 5)
    lock.release()
    assert only(index).state.state == "crashed"


@pytest.mark.parametrize(("seconds", "state"), [(-3600, "lost"), (3600, "lost"), (0, "running")])
def test_a_run_elsewhere_is_judged_by_its_heartbeat(
    index: RunIndex, make_run: MakeRun, seconds: float, state: str
) -> None:
    make_run("one", status={"host": "elsewhere", "heartbeat": time.time() + seconds})
    assert only(index).state.state == state


def test_a_lost_run_that_speaks_again_is_found_again(index: RunIndex, make_run: MakeRun) -> None:
    folder = make_run("one", status={"host": "elsewhere", "heartbeat": 0})
    assert only(index).state.state == "lost"
    write_json(folder / "status.json", {"state": "running", "host": "elsewhere", "heartbeat": time.time()})
    assert only(index).state.state == "running"


def test_a_run_started_outside_appears_by_itself(index: RunIndex, runs: Path) -> None:
    assert index.scan() == []
    writer = RunWriter(runs / "by hand", {"config": {}})
    writer.status(state="running", step=3)
    assert (only(index).state.state, only(index).steps) == ("running", None)
    writer.finish("finished")
    assert only(index).state.state == "finished"


def test_runs_that_vanish_while_they_are_looked_at_are_gone(index: RunIndex, make_run: MakeRun, runs: Path) -> None:
    names = [f"run {number}" for number in range(12)]
    for name in names:
        make_run(name, status={"step": 1})
    ended = threading.Event()

    def come_and_go() -> None:
        for _ in range(6):
            for name in names:
                shutil.rmtree(runs / name)
                make_run(name, status={"step": 1})
        for name in names:
            shutil.rmtree(runs / name)
        ended.set()

    thread = threading.Thread(target=come_and_go)
    thread.start()
    while not ended.is_set():
        for entry in index.scan():
            assert entry.name in names
    thread.join()
    assert index.scan() == []
    shutil.rmtree(runs)
    assert index.scan() == []


@pytest.mark.parametrize("contents", ["", "{", "[1]", '{"format": 1, "id": "x'])
def test_a_run_whose_description_is_damaged_is_listed_with_its_problem(
    index: RunIndex, make_run: MakeRun, contents: str
) -> None:
    folder = make_run("one", exit={"state": "finished"})
    (folder / "run.json").write_text(contents)
    entry = only(index)
    assert (entry.name, entry.state.state) == ("one", "finished")
    assert "cannot be read" in entry.problem


@pytest.mark.parametrize("version", [2, 99])
def test_a_run_of_a_newer_version_is_listed_with_its_problem(index: RunIndex, make_run: MakeRun, version: Any) -> None:
    make_run("one", format=version, config=["other"], status={"step": 5}, exit={"state": "finished"})
    entry = only(index)
    assert "newer version" in entry.problem
    assert (entry.step, entry.steps) == (5, None)


@pytest.mark.parametrize("changes", [{"format": "2.0"}, {"format": [1]}, {"config": True}, {"t": "noon"}])
def test_a_run_whose_description_is_of_other_types_is_listed_as_damaged(
    index: RunIndex, make_run: MakeRun, changes: dict[str, Any]
) -> None:
    make_run("one", status={"step": 5}, exit={"state": "finished"}, **changes)
    entry = only(index)
    assert entry.problem == f"This run is damaged: run.json has values that cannot be used: {next(iter(changes))}."
    assert (entry.name, entry.step, entry.state.state) == ("one", 5, "finished")


def test_a_file_that_cannot_be_used_is_named_while_the_run_can(index: RunIndex, make_run: MakeRun) -> None:
    folder = make_run("one", status={"step": 5, "best_loss": "low"}, exit={"state": "finished"})
    (folder / "config.json").write_text("[" * 10_000)
    entry = only(index)
    assert entry.problem == ""
    assert entry.damage == (
        "This run is damaged: config.json cannot be read: it is nested more than 64 deep; "
        "status.json has values that cannot be used: best_loss."
    )
    assert (entry.step, entry.steps, entry.best_loss) == (5, 100, None)


@pytest.mark.parametrize(
    "status",
    [
        {"host": "elsewhere", "heartbeat": "noon"},
        {"host": "elsewhere", "heartbeat": None},
        {"step": "3", "loss": "low", "best_loss": float("nan"), "best_step": 1.5, "seconds_left": [], "segment": "x"},
        {"loss": 10**400, "best_loss": float("inf"), "step": True},
        {"loss": True, "step": -3, "best_step": 10**400},
        {"step": 10**400},
    ],
)
def test_a_status_of_other_types_is_passed_over(index: RunIndex, make_run: MakeRun, status: Any) -> None:
    make_run("one", status=status)
    entry = only(index)
    assert not entry.active
    assert (entry.step, entry.loss, entry.best_loss, entry.best_step, entry.seconds_left) == (None,) * 5


def test_pinned_runs_come_first_then_active_ones_then_the_newest(index: RunIndex, make_run: MakeRun) -> None:
    for number, name in enumerate(("old", "active", "pinned", "new")):
        make_run(name, t=float(number if name != "active" else 0), exit={"state": "finished"})
    (index.runs / "active" / "exit.json").unlink()
    write_json(index.runs / "active" / "status.json", {"state": "running"})
    lock = FileLock(index.runs / "active" / "run.lock")
    index.set_pinned("id of pinned", True)
    assert [entry.name for entry in index.scan()] == ["pinned", "active", "new", "old"]
    lock.release()


def test_names_tags_and_pins_last(tmp_path: Path, index: RunIndex, make_run: MakeRun) -> None:
    make_run("one")
    index.rename("id of one", "  Die 猫 \n Reihe ")
    index.set_tags("id of one", ["a", " a ", "", "b c"])
    index.set_pinned("id of one", True)
    entry = only(RunIndex(tmp_path / "data" / "runs.json", index.runs))
    assert (entry.name, entry.tags, entry.pinned) == ("Die 猫 Reihe", ("a", "b c"), True)
    index.rename("id of one", "")
    assert only(index).name == "one"


def test_a_copy_of_a_run_has_a_name_of_its_own(index: RunIndex, make_run: MakeRun) -> None:
    first = make_run("one")
    index.rename("id of one", "first")
    shutil.copytree(first, first.with_name("two"))
    entries = {entry.folder.name: entry for entry in index.scan()}
    assert entries["one"].id != entries["two"].id
    index.rename(entries["two"].id, "second")
    assert {entry.folder.name: entry.name for entry in index.scan()} == {"one": "first", "two": "second"}


def test_what_was_said_of_a_run_that_was_starting_holds_when_it_has_begun(index: RunIndex, runs: Path) -> None:
    folder = runs / "new"
    folder.mkdir()
    launcher = {"kind": "command", "template": "sbatch {command}"}
    write_json(folder / "launch.json", {"t": 5.0, "name": "given", "launcher": launcher, "segment": -1})
    entry = only(index)
    assert (entry.state.state, entry.name, entry.created) == ("starting", "given", 5.0)
    index.rename(entry.id, "changed")
    index.set_pinned(entry.id, True)
    writer = RunWriter(folder, {"config": {}})
    entry = only(index)
    assert (entry.state.state, entry.name, entry.pinned) == ("starting", "changed", True)
    writer.finish("finished")
    assert only(index).state.state == "finished"


@pytest.mark.parametrize("contents", ["", "{", '{"schema": 1}', '{"schema": 1, "watched": 3, "runs": {}}', "[]"])
def test_a_damaged_file_of_names_is_set_aside(tmp_path: Path, make_run: MakeRun, runs: Path, contents: str) -> None:
    make_run("one")
    file = tmp_path / "runs.json"
    file.write_text(contents)
    index = RunIndex(file, runs)
    assert only(index).name == "one"
    index.rename("id of one", "named")
    assert only(RunIndex(file, runs)).name == "named"
    assert (tmp_path / "runs.json.unreadable").read_text() == contents


def test_a_file_of_names_of_a_newer_version_is_left_alone(tmp_path: Path, make_run: MakeRun, runs: Path) -> None:
    make_run("one")
    file = tmp_path / "runs.json"
    file.write_text('{"schema": 2, "other": []}')
    index = RunIndex(file, runs)
    index.rename("id of one", "for now")
    assert only(index).name == "for now"
    assert file.read_text() == '{"schema": 2, "other": []}'


def test_names_that_cannot_be_saved_are_told_of_and_kept_until_the_end(
    index: RunIndex, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_run("one")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(UserError, match="No space left"):
        index.rename("id of one", "named")
    assert only(index).name == "named"


def test_other_folders_are_watched_and_may_be_runs_or_hold_some(
    tmp_path: Path, index: RunIndex, make_run: MakeRun
) -> None:
    place = tmp_path / "Andere Läufe"
    for name in ("one", "two"):
        make_run(name, place=place)
    index.watch(place)
    index.watch(place / "one")
    assert sorted(entry.name for entry in index.scan()) == ["one", "two"]
    again = RunIndex(tmp_path / "data" / "runs.json", index.runs)
    assert again.watched == (place, place / "one")
    again.unwatch(place)
    assert only(again).name == "one"
    shutil.rmtree(place)
    assert again.scan() == []
    with pytest.raises(UserError, match="no folder"):
        again.watch(place)


def test_a_run_that_is_reached_in_several_ways_is_listed_once(
    tmp_path: Path, index: RunIndex, make_run: MakeRun
) -> None:
    make_run("one")
    (tmp_path / "link").symlink_to(index.runs, target_is_directory=True)
    (index.runs / "the same").symlink_to(index.runs / "one", target_is_directory=True)
    for folder in (tmp_path / "link", index.runs / ".." / "runs", index.runs / "one", tmp_path):
        index.watch(folder)
    assert only(index).folder == index.runs / "one"


def test_runs_in_a_folder_that_is_a_run_itself_are_found(index: RunIndex, make_run: MakeRun, tmp_path: Path) -> None:
    place = make_run("outer", place=tmp_path)
    make_run("inner", place=place)
    index.watch(place)
    assert sorted(entry.name for entry in index.scan()) == ["inner", "outer"]


def test_runs_that_rest_are_not_read_again(index: RunIndex, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        make_run(f"run {number}", exit={"state": "finished"})
    before = index.scan()
    read: list[Path] = []
    monkeypatch.setattr(Path, "read_text", lambda path, **_: read.append(path))
    assert index.scan() == before
    assert read == []


def test_a_removed_run_is_gone_with_its_bytes(index: RunIndex, make_run: MakeRun, tmp_path: Path) -> None:
    folder = make_run("one", exit={"state": "finished"})
    make_run("two")
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / "weights").write_bytes(bytes(5_000))
    assert index.size(folder) == 5_000 + sum(path.stat().st_size for path in folder.glob("*.json"))
    index.rename("id of one", "named")
    index.delete(folder)
    assert [path.name for path in index.runs.iterdir()] == ["two"]
    assert "named" not in (tmp_path / "data" / "runs.json").read_text()
    assert only(index).name == "two"


def test_a_removal_that_was_cut_short_shows_no_run_and_is_finished_by_the_next(
    index: RunIndex, make_run: MakeRun
) -> None:
    folder = make_run("one")
    shutil.copytree(folder, folder.with_name(".removed-one"))
    assert only(index).folder == folder
    index.delete(folder)
    assert list(index.runs.iterdir()) == []


def test_an_active_run_and_what_is_no_run_are_not_removed(index: RunIndex, make_run: MakeRun, tmp_path: Path) -> None:
    folder = make_run("one", status={})
    lock = FileLock(folder / "run.lock")
    with pytest.raises(UserError, match="run is active"):
        index.delete(folder)
    lock.release()
    elsewhere = make_run("two", status={"host": "elsewhere", "heartbeat": time.time()})
    with pytest.raises(UserError, match="run is active"):
        index.delete(elsewhere)
    letters = tmp_path / "letters"
    letters.mkdir()
    (letters / "dear.txt").touch()
    for other in (letters, tmp_path / "nowhere"):
        with pytest.raises(UserError, match="no run directory"):
            index.delete(other)
    assert (letters / "dear.txt").exists()
    assert len(index.scan()) == 2


def test_a_run_with_other_runs_in_it_is_not_removed(index: RunIndex, make_run: MakeRun, tmp_path: Path) -> None:
    outer = make_run("outer", place=tmp_path)
    inner = make_run("inner", place=outer / "of mine")
    with pytest.raises(UserError, match="inner"):
        index.delete(outer)
    assert (inner / "run.json").exists()
    index.delete(inner)
    index.delete(outer)
    assert not outer.exists()


def test_folders_that_are_looked_in_are_not_removed_with_a_run(
    tmp_path: Path, runs: Path, index: RunIndex, make_run: MakeRun
) -> None:
    write_json(runs / "run.json", {"format": 1})
    with pytest.raises(UserError, match="runs"):
        index.delete(runs)
    outer = make_run("outer")
    (outer / "mine").mkdir()
    index.watch(outer / "mine")
    with pytest.raises(UserError, match="mine"):
        index.delete(outer)
    assert (outer / "mine").exists()


def test_a_linked_run_is_removed_as_a_link(index: RunIndex, make_run: MakeRun, tmp_path: Path) -> None:
    real = make_run("real", place=tmp_path / "big disk")
    (real / "weights").write_bytes(bytes(5_000))
    (index.runs / "link").symlink_to(real, target_is_directory=True)
    assert index.size(index.runs / "link") < 5_000  # what removing it would free
    index.delete(index.runs / "link")
    assert index.scan() == []
    assert (real / "run.json").exists()


@pytest.fixture
def launched_lock(runs: Path) -> FileLock:
    folder = runs / "launched"
    folder.mkdir()
    return FileLock(folder / ".launch.lock")


def test_a_launch_that_lives_is_starting_and_one_that_died_before_it_began_is_crashed(
    index: RunIndex, runs: Path, launched_lock: FileLock
) -> None:
    folder = runs / "launched"
    write_json(folder / "launch.json", {"t": 5.0, "launcher": {"kind": "here"}, "segment": -1, "pid": os.getpid()})
    assert (only(index).state.state, only(index).active) == ("starting", True)
    with pytest.raises(UserError, match="run is active"):
        index.delete(folder)
    launched_lock.release()
    assert (only(index).state.state, only(index).active) == ("crashed", False)


def test_a_launch_says_nothing_about_trainers_that_came_after_it(index: RunIndex, make_run: MakeRun) -> None:
    folder = make_run("one", status={"segment": 3}, exit={"state": "finished"})
    write_json(folder / "launch.json", {"t": 5.0, "launcher": {"kind": "here"}, "segment": 2, "code": 1})
    assert only(index).state.state == "finished"
    write_json(folder / "launch.json", {"t": 5.0, "launcher": {"kind": "here"}, "segment": 3, "code": 1})
    assert only(index).state.state == "crashed"


@pytest.mark.parametrize("contents", ["{}", "[]", "{", json.dumps({"t": "x", "launcher": 3, "segment": None})])
def test_a_damaged_launch_is_passed_over(index: RunIndex, make_run: MakeRun, contents: str) -> None:
    folder = make_run("one", status={"segment": 0}, exit={"state": "finished"})
    (folder / "launch.json").write_text(contents)
    assert only(index).state.state == "finished"
