"""The lock on a file: who holds it, who may ask, and what the holder's death does."""

import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from gptdesk.locks import FileLock, LockHeld, is_locked

LOCK = "some.lock"

HOLD = "import sys; from pathlib import Path; from gptdesk.locks import FileLock; lock = FileLock(Path(sys.argv[1]))"


def test_one_holds_it_at_a_time(tmp_path: Path) -> None:
    with FileLock(tmp_path / LOCK):
        assert is_locked(tmp_path / LOCK)
        with pytest.raises(LockHeld):
            FileLock(tmp_path / LOCK, patience=0)
    assert not is_locked(tmp_path / LOCK)
    FileLock(tmp_path / LOCK, patience=0).release()


def test_the_death_of_its_holder_releases_it(tmp_path: Path) -> None:
    code = f"{HOLD}; print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, str(tmp_path / LOCK)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == b"held"
        assert is_locked(tmp_path / LOCK)
        holder.kill()
    assert not is_locked(tmp_path / LOCK)


@pytest.mark.skipif(os.name == "nt", reason="handles are not inherited by number")
def test_a_child_that_inherits_it_holds_it_until_its_end(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / LOCK)
    command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=(lock.fileno(),)) as child:
        lock.release()
        assert is_locked(tmp_path / LOCK)
        child.communicate()
    assert not is_locked(tmp_path / LOCK)


def test_a_file_that_is_not_there_is_not_locked(tmp_path: Path) -> None:
    assert not is_locked(tmp_path / LOCK)
    assert not (tmp_path / LOCK).exists()


@pytest.mark.skipif(os.name == "nt", reason="locks are other ones")
def test_a_place_without_locks_is_an_error_that_leaves_no_file_open(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(handle: int, _: int) -> None:
        handles.append(handle)
        raise OSError(37, "No locks available")

    handles: list[int] = []
    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(OSError, match="No locks available"):
        FileLock(tmp_path / LOCK)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(handles[0])


def test_a_glance_at_the_lock_does_not_turn_a_trainer_away(tmp_path: Path) -> None:
    glances = threading.Event()
    looking = threading.Thread(target=lambda: [is_locked(tmp_path / LOCK) for _ in iter(glances.is_set, True)])
    looking.start()
    try:
        for _ in range(5):
            FileLock(tmp_path / LOCK).release()
    finally:
        glances.set()
        looking.join()


@pytest.mark.skipif(os.name == "nt", reason="files are shared in another way")
def test_a_lock_of_somebody_else_which_may_not_be_written_is_seen() -> None:
    with tempfile.TemporaryDirectory() as place:  # the folders of tests are closed to others
        lock = FileLock(Path(place) / LOCK)
        (Path(place) / LOCK).chmod(0o444)
        Path(place).chmod(0o755)
        me = os.geteuid()
        if me == 0:
            os.seteuid(65534)
        try:
            held = is_locked(Path(place) / LOCK)
        finally:
            os.seteuid(me)
        lock.release()
    assert held


@pytest.mark.skipif(os.name == "nt", reason="locks are other ones")
def test_a_place_without_locks_is_not_locked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*_: int) -> None:
        raise OSError(37, "No locks available")

    (tmp_path / LOCK).touch()
    monkeypatch.setattr("fcntl.flock", refuse)
    assert not is_locked(tmp_path / LOCK)
