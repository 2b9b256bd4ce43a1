"""Preparing is killed, stopped, and meets disks that take no more; nothing that was done is lost."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gptdesk.errors import UserError
from gptdesk.files import read_json
from gptdesk.locks import FileLock, is_locked
from tests.patience import wait_for
from trainer.data.shards import PreparedData
from trainer.prepare import Progress, Request, prepare
from trainer.prepare.progress_file import PROGRESS

ROOT = Path(__file__).parents[2]
SETTINGS = ("--val-share", "0.2", "--unit-bytes", "30000", "--shard-tokens", "20000")


def request_for(source: Path) -> Request:
    return Request(sources=(str(source),), validation_share=0.2, unit_bytes=30_000, shard_tokens=20_000)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1,500 documents, 0.8 MB: some 25 units and 11 shards by `SETTINGS`."""
    path = tmp_path_factory.mktemp("source") / "source.txt"
    path.write_text("\n<|endoftext|>\n".join(f"Document {i}. " + f"{i} is a number. " * 30 for i in range(1_500)))
    return path


@pytest.fixture(scope="module")
def request_(source: Path) -> Request:
    return request_for(source)


@pytest.fixture(scope="module")
def undisturbed(request_: Request, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes], int]:
    """What a call writes, and how many files it moves to their places."""
    folder = tmp_path_factory.mktemp("reference") / "out"
    with pytest.MonkeyPatch.context() as patched:
        moves = ending_at_move(patched, -1)
        prepare(request_, folder)
    return contents(folder), len(moves)


@pytest.fixture(scope="module")
def reference(undisturbed: tuple[dict[str, bytes], int]) -> dict[str, bytes]:
    return undisturbed[0]


class Killed(BaseException):
    pass


def ending_at_move(patched: pytest.MonkeyPatch, number: int) -> list[object]:
    """Ends the program just before a file moves to its place for that time, as a kill there would."""
    move, moves = os.replace, []

    def replace_until_killed(*args: Any) -> None:
        if Path(args[1]).name == PROGRESS:  # how often depends on the clock
            return move(*args)
        moves.append(args)
        if len(moves) == number:
            raise Killed
        return move(*args)

    patched.setattr(os, "replace", replace_until_killed)
    return moves


@pytest.fixture
def own_source(source: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copy(source, tmp_path / "source.txt"))


def contents(folder: Path) -> dict[str, bytes]:
    """What is in a folder, but for the lock and the progress, which tells of clocks."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in (PROGRESS, ".lock")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@contextmanager
def running(source: Path, folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "trainer", "prepare", str(source), "--out", str(folder), *SETTINGS, *options]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_until(happened: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    wait_for(happened, "that moment", alive=lambda: process.poll() is None)


def units_done(folder: Path) -> int:
    return len(list((folder / "work").glob("?????-?????.json")))


def shards_there(folder: Path) -> int:
    return len(list(folder.glob("train-*.bin")))


def children(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def lives(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_killed_again_and_again_the_result_is_the_same(
    source: Path, tmp_path: Path, request_: Request, reference: dict[str, bytes]
) -> None:
    folder = tmp_path / "out"
    for moment in (lambda: units_done(folder) >= 5, lambda: shards_there(folder) >= 2):
        with running(source, folder, "--workers", "2") as process:
            wait_until(moment, process)
            workers = children(process.pid)
            process.send_signal(signal.SIGKILL)
            process.wait()
            for worker in workers:  # they see that their parent is gone
                wait_for(lambda: not lives(worker), "the worker's end")  # noqa: B023 (called at once)
        assert not (folder / "manifest.json").exists()
        assert read_json(folder / PROGRESS)["state"] in ("planning", "encoding", "merging")
        assert not is_locked(folder / ".lock")
        with pytest.raises(UserError, match="holds no prepared data"):
            PreparedData.open(folder)
    noted = [path.stem for path in (folder / "work").glob("train-*.json")]
    kept = {path: path.stat().st_mtime_ns for path in folder.glob("train-*.bin") if path.stem in noted}
    prepare(request_, folder)
    assert contents(folder) == reference
    assert kept
    assert all(path.stat().st_mtime_ns == time for path, time in kept.items()), "finished shards are not made again"


@pytest.mark.parametrize("part", [0, 0.02, 0.5, 0.87, 0.92, 0.97, 1])
def test_an_end_at_any_write_leaves_what_can_be_gone_on_with(
    tmp_path: Path,
    request_: Request,
    undisturbed: tuple[dict[str, bytes], int],
    monkeypatch: pytest.MonkeyPatch,
    part: float,
) -> None:
    folder = tmp_path / "out"
    reference, last = undisturbed
    with monkeypatch.context() as patched:
        ending_at_move(patched, max(1, round(part * last)))
        with pytest.raises(Killed):
            prepare(request_, folder)
    assert (folder / "work").exists() is (part > 0)
    prepare(request_, folder)
    assert contents(folder) == reference


@pytest.mark.parametrize("note", ["{", "{}", "[" * 10_000, '{"blocks": 5}', '{"units": [5]}'])
def test_damaged_notes_of_what_was_done_are_made_again(
    note: str,
    request_: Request,
    undisturbed: tuple[dict[str, bytes], int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reference, last = undisturbed
    folder = tmp_path / "out"
    with monkeypatch.context() as patched:
        ending_at_move(patched, last // 2)
        with pytest.raises(Killed):
            prepare(request_, folder)
    notes = list((folder / "work").glob("*.json"))
    assert notes
    for path in notes:
        path.write_text(note)
    prepare(request_, folder)
    assert contents(folder) == reference


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_stopping_says_so_and_leaves_what_can_be_gone_on_with(
    source: Path, tmp_path: Path, request_: Request, reference: dict[str, bytes], number: signal.Signals, code: int
) -> None:
    folder = tmp_path / "out"
    with running(source, folder, "--workers", "1", *(["--events"] if code == 143 else [])) as process:
        wait_until(lambda: units_done(folder) >= 3, process)
        process.send_signal(number)
        output, errors = process.communicate()
    assert (process.returncode, errors) == (code, "")
    stopped = read_json(folder / PROGRESS)
    assert (stopped["state"], stopped["error"], stopped["pid"]) == ("stopped", None, process.pid)
    assert units_done(folder) >= 3
    if code == 143:
        assert json.loads(output.splitlines()[-1]) == {"event": "stopped", "folder": str(folder)}
    else:
        assert "the same command resumes" in output.splitlines()[-1]
    prepare(request_, folder)
    assert contents(folder) == reference


def test_a_finished_folder_is_left_as_it_is_and_kept_from_others(
    own_source: Path, tmp_path: Path, reference: dict[str, bytes]
) -> None:
    folder, other = tmp_path / "out", tmp_path / "other.txt"
    other.write_text("other")
    manifest = prepare(request_for(own_source), folder)
    before = contents(folder)
    assert prepare(request_for(own_source), folder) == manifest == PreparedData.open(folder).manifest
    for request in (
        replace(request_for(own_source), sources=(str(own_source), str(other))),
        replace(request_for(own_source), seed=1),
    ):
        with pytest.raises(UserError, match="begun with other sources or settings"):
            prepare(request, folder)
    assert contents(folder) == before
    assert before.keys() == reference.keys()


def test_a_folder_that_holds_something_else_is_refused(tmp_path: Path, request_: Request) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match="is not empty"):
        prepare(request_, tmp_path / "out")
    assert contents(tmp_path / "out") == {"thesis.txt": b"mine"}


def test_two_at_once_are_refused(tmp_path: Path, request_: Request) -> None:
    (tmp_path / "out").mkdir()
    lock = FileLock(tmp_path / "out" / ".lock")
    with pytest.raises(UserError, match="Another process is preparing"):
        prepare(request_, tmp_path / "out")
    assert not (tmp_path / "out" / PROGRESS).exists(), "it is the other's"
    lock.release()


def test_a_source_that_goes_away_is_named(tmp_path: Path, own_source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.prepare.progress._EVERY_SECONDS", 0)

    def remove(_: Progress) -> None:
        own_source.unlink()
        raise Killed

    with pytest.raises(Killed):
        prepare(request_for(own_source), tmp_path / "out", progress=remove)
    with pytest.raises(UserError, match=r"source\.txt cannot be read any more"):
        prepare(request_for(own_source), tmp_path / "out")


def test_a_source_that_changed_is_read_anew(tmp_path: Path, own_source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.prepare.progress._EVERY_SECONDS", 0)

    def change(_: Progress) -> None:
        own_source.write_text(own_source.read_text() + "\n<|endoftext|>\none more document")
        raise Killed

    with pytest.raises(Killed):
        prepare(request_for(own_source), tmp_path / "out", progress=change)
    prepare(request_for(own_source), tmp_path / "out")
    prepare(request_for(own_source), tmp_path / "fresh")
    assert contents(tmp_path / "out") == contents(tmp_path / "fresh")
    assert PreparedData.open(tmp_path / "out").manifest["documents"] == 1_501


@pytest.mark.parametrize("phase", ["encode", "merge"])
def test_a_disk_that_takes_no_more_is_a_sentence(
    tmp_path: Path, request_: Request, reference: dict[str, bytes], phase: str
) -> None:
    """The system's own limit on the size of a file stands for the full disk: a write fails in the middle."""
    limit = 4_000 if phase == "encode" else 30_000
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(UserError, match=r"out.* cannot be written \(File too large\)"):
            prepare(request_, tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert read_json(tmp_path / "out" / PROGRESS)["state"] == "failed"
    assert not list((tmp_path / "out").rglob("*.tmp")), "what was half written does not fill the disk"
    assert shards_there(tmp_path / "out") == 0
    assert (units_done(tmp_path / "out") == 0) is (phase == "encode")
    prepare(request_, tmp_path / "out")
    assert contents(tmp_path / "out") == reference


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    with pytest.raises(UserError, match=r"a\.txt is a file, not a folder; choose another folder with --out\.$"):
        prepare(Request(sources=(str(tmp_path / "a.txt"),)), tmp_path / "a.txt")


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path: Path, request_: Request) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"file/out cannot be written \(Not a directory\)"):
        prepare(request_, tmp_path / "file" / "out")


def test_a_worker_that_dies_is_a_sentence(
    tmp_path: Path, source: Path, request_: Request, reference: dict[str, bytes]
) -> None:
    folder = tmp_path / "out"
    with running(source, folder, "--workers", "2") as process:
        wait_until(lambda: units_done(folder) >= 2, process)
        os.kill(children(process.pid)[-1], signal.SIGKILL)
        _, errors = process.communicate()
    assert process.returncode == 2
    assert errors.startswith("A worker process died while reading source.txt (SIGKILL)")
    assert errors.count("\n") == 1
    prepare(request_, folder)
    assert contents(folder) == reference


@pytest.mark.skipif(sys.platform != "linux", reason="counts KiB as Linux does")
@pytest.mark.parametrize("kind", ["one line", "lines"])
def test_memory_does_not_grow_with_a_file_without_separators(tmp_path: Path, kind: str) -> None:
    program = """
import resource, sys
from pathlib import Path
from trainer.prepare import Request, prepare
for name in sys.argv[1:]:
    request = Request(sources=(name,), validation=(name + "-val",), unit_bytes=1 << 20)
    prepare(request, Path(name + "-out"))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""
    text = b"just words and nothing else. " if kind == "one line" else b"just words and nothing else.\n"
    for name, size in (("small", 6 << 20), ("large", 40 << 20)):
        (tmp_path / name).write_bytes(text * (size // len(text)))
        (tmp_path / f"{name}-val").write_bytes(text)
    command = [sys.executable, "-c", program, str(tmp_path / "small"), str(tmp_path / "large")]
    before, after = map(int, subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.split())
    assert after - before < 15 << 20
    large = PreparedData.open(tmp_path / "large-out").manifest
    assert large["cut_documents"] > 30
    assert large["text_bytes"] > 39 << 20
