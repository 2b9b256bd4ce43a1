"""Preparing data as a program of its own, and what comes of it."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gptdesk.errors import UserError
from gptdesk.files import read_json, write_json
from gptdesk.folders import Folders
from gptdesk.locks import FileLock, is_locked
from gptdesk.training.data.datasets import describe_set
from gptdesk.training.data.preparations import (
    Preparation,
    PrepareOptions,
    new_data_folder,
    plan,
    preparations,
    prepared_sets,
    preview,
)
from gptdesk.training.detached import reap

Wait = Callable[..., Any]

WORKING = ("planning", "encoding", "merging")


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders.under(tmp_path / "Zuhause mit Lücke")


@pytest.fixture
def tales(tmp_path: Path) -> Path:
    """A folder with 200 short documents."""
    folder = tmp_path / "texts & more"
    folder.mkdir()
    text = "\n<|endoftext|>\n".join(f"Tale {number}. Es war einmal eine 猫. 🐉" for number in range(200))
    (folder / "tales.txt").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Text that takes a while to encode."""
    file = tmp_path / "library.txt"
    with file.open("w", encoding="utf-8") as out:
        for number in range(40_000):
            out.write(f"{number} {number * 7919} {number * 104729} was written here, {number}.\n<|endoftext|>\n" * 8)
    return file


@pytest.fixture
def preparation(folders: Folders, wait: Wait) -> Iterator[Preparation]:
    job = Preparation(new_data_folder(folders, "my tales"))
    yield job
    pid = (read_json(job.folder / ".prepare.json") or {}).get("pid")
    if is_locked(job.folder / ".launch.lock") and isinstance(pid, int):
        os.killpg(pid, signal.SIGKILL)
        wait(lambda: not is_locked(job.folder / ".launch.lock"))
    reap()


def test_texts_become_data_that_can_be_looked_at(
    preparation: Preparation, folders: Folders, tales: Path, wait: Wait
) -> None:
    preparation.start(PrepareOptions((str(tales),), validation_share=0.1))
    assert preparation.state().state in WORKING
    assert [other.folder for other in preparations(folders)] == [preparation.folder]
    with pytest.raises(UserError, match="already"):
        preparation.start(PrepareOptions((str(tales),)))
    wait(lambda: not preparation.state().active)
    state = preparation.state()
    assert (state.state, state.share, state.documents, state.error) == ("finished", 1.0, 200, "")
    assert "train: " in "\n".join(preparation.output())
    assert preparations(folders) == []
    with pytest.raises(UserError, match="finished already"):
        preparation.cancel()
    (found,) = prepared_sets(folders)
    assert (found.name, found.path, found.documents) == ("my-tales", preparation.folder, 200)
    assert found.train_tokens + found.val_tokens == state.tokens
    documents = preview(preparation.folder, 2)
    assert len(documents) == 2
    for document in documents:
        assert document.text.startswith("Tale ")
        assert document.text.count("<|endoftext|>") == 1
        assert document.text.endswith("<|endoftext|>")
        assert len(document.tokens) == document.length
        assert document.tokens[0] == "T"


def test_a_pause_keeps_what_is_done_and_resuming_goes_on(preparation: Preparation, library: Path, wait: Wait) -> None:
    preparation.start(PrepareOptions((str(library),)))
    wait(lambda: preparation.state().state == "encoding")
    preparation.pause()
    wait(lambda: not preparation.state().active)
    state = preparation.state()
    assert (state.state, state.seconds_left) == ("paused", None)
    preparation.resume()
    assert preparation.state().active
    wait(lambda: preparation.state().documents > 0)


def test_a_pause_before_it_has_begun_is_a_pause(preparation: Preparation, tales: Path, wait: Wait) -> None:
    preparation.start(PrepareOptions((str(tales),)))
    preparation.pause()
    wait(lambda: not preparation.state().active)
    assert preparation.state().state == "paused"
    preparation.resume()
    wait(lambda: preparation.state().state == "finished")


def test_one_that_was_killed_is_known_as_such_and_cancelled(
    preparation: Preparation, library: Path, wait: Wait
) -> None:
    preparation.start(PrepareOptions((str(library),)))
    wait(lambda: preparation.state().state == "encoding")
    os.kill((read_json(preparation.folder / ".prepare.json") or {})["pid"], signal.SIGKILL)
    wait(lambda: not preparation.state().active)
    assert preparation.state().state == "killed"
    preparation.resume()
    wait(lambda: preparation.state().state == "encoding")
    preparation.cancel()
    assert not preparation.folder.exists()


def test_what_cannot_be_prepared_fails_with_a_sentence(preparation: Preparation, tmp_path: Path, wait: Wait) -> None:
    (tmp_path / "empty").mkdir()
    preparation.start(PrepareOptions((str(tmp_path / "empty"),)))
    wait(lambda: not preparation.state().active)
    state = preparation.state()
    assert state.state == "failed"
    assert "No files to read" in state.error


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "letters"
    folder.mkdir()
    (folder / "dear.txt").write_text("Dear you")
    job = Preparation(folder)
    for refused in (job.resume, job.cancel):
        with pytest.raises(UserError):
            refused()
    assert (folder / "dear.txt").exists()
    with pytest.raises(UserError, match="not empty"):
        job.start(PrepareOptions((str(folder / "dear.txt"),)))
    assert [path.name for path in folder.iterdir()] == ["dear.txt"]


def test_a_plan_says_what_preparing_would_take(tales: Path, folders: Folders) -> None:
    expected = plan([str(tales)], folder=folders.data / "new")
    assert expected["files"] == 1
    assert expected["source_bytes"] == (tales / "tales.txt").stat().st_size
    assert expected["download_bytes"] == 0
    assert expected["tokens"] > 1000
    assert 0 < expected["disk_bytes"] < expected["free_bytes"]
    assert not folders.data.exists()


def test_a_plan_for_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no file or folder"):
        plan([str(tmp_path / "none.txt")])


def test_new_folders_of_data_are_new(folders: Folders) -> None:
    folder = new_data_folder(folders, "../My texts: 猫")
    assert folder == folders.data / "datasets" / "My-texts-猫"
    folder.mkdir(parents=True)
    assert new_data_folder(folders, "../My texts: 猫").name == "My-texts-猫-2"
    assert new_data_folder(folders, "..").name == "data"


def test_damaged_data_is_left_out_and_said_to_be(prepared: Path, folders: Folders) -> None:
    assert prepared_sets(folders) == []
    good = describe_set(prepared)
    assert good.train_tokens > good.val_tokens > 0
    for name, manifest in (("a", {"version": 2}), ("b", {"version": 2, "splits": {"train": 3}}), ("c", {"version": 9})):
        folder = folders.data / "datasets" / name
        folder.mkdir(parents=True)
        write_json(folder / "manifest.json", manifest)
        with pytest.raises(UserError):
            preview(folder)
    assert prepared_sets(folders) == []
    with pytest.raises(UserError, match="no prepared data"):
        preview(folders.data)


def test_one_that_cannot_be_reached_does_not_pass_for_paused(tmp_path: Path) -> None:
    write_json(tmp_path / ".prepare.json", {"arguments": []})
    write_json(tmp_path / "progress.json", {"state": "encoding"})
    lock = FileLock(tmp_path / ".lock")
    with pytest.raises(UserError, match="not known"):
        Preparation(tmp_path).pause()
    lock.release()
    assert Preparation(tmp_path).state().state == "killed"
    write_json(tmp_path / "progress.json", {"state": "stopped"})
    assert Preparation(tmp_path).state().state == "stopped"


def test_a_linked_folder_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    write_json(tmp_path / "real" / ".prepare.json", {"arguments": []})
    (tmp_path / "link").symlink_to(tmp_path / "real", target_is_directory=True)
    with pytest.raises(UserError, match="symbolic link"):
        Preparation(tmp_path / "link").cancel()
    assert (tmp_path / "real" / ".prepare.json").exists()


def test_what_was_done_elsewhere_since_it_was_started_here_is_told(tmp_path: Path) -> None:
    write_json(tmp_path / ".prepare.json", {"arguments": [], "pid": 1})
    write_json(tmp_path / "progress.json", {"state": "failed", "error": "The disk is full.", "pid": 2})
    state = Preparation(tmp_path).state()
    assert (state.state, state.error) == ("failed", "The disk is full.")


@pytest.mark.parametrize("contents", ["", "[]", '{"arguments": 3}', '{"arguments": ["x"], "pid": "one"}'])
def test_a_damaged_record_is_no_trap(tmp_path: Path, contents: str) -> None:
    (tmp_path / ".prepare.json").write_text(contents)
    write_json(tmp_path / "progress.json", {"state": "encoding", "bytes": "many", "bytes_done": None, "pid": 1})
    job = Preparation(tmp_path)
    assert job.state().state == "killed"
    with pytest.raises(UserError):
        job.resume()
