"""Files that are replaced: the old contents or the new, whatever happens in between."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gptdesk.child_process import child_environment
from gptdesk.files import read_json, replacing, sync_folder, write_bytes, write_json

ROOT = Path(__file__).parents[1]


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"name": "\udcff"})  # of a file that is not Unicode
    write_json(path, {"n": 2}, sync=False)
    assert read_json(path) == {"n": 2}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_fails_halfway_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: BaseException) -> None:
    def write_half() -> None:
        with replacing(path) as temporary:
            temporary.write_bytes(b"ne")
            raise error

    path = tmp_path / "a"
    write_bytes(path, b"old")
    with pytest.raises(type(error)):
        write_half()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="no such signal")
def test_a_kill_halfway_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_bytes(path, b"old")
    code = """if True:
        import os, signal, sys
        from pathlib import Path
        from gptdesk.files import replacing
        with replacing(Path(sys.argv[1])) as temporary:
            temporary.write_bytes(b"new")
            os.kill(os.getpid(), signal.SIGKILL)
    """
    ended = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old"


@pytest.mark.skipif(os.name == "nt", reason="files have no such mode")
def test_a_file_may_be_read_by_whom_new_files_may(tmp_path: Path) -> None:
    (tmp_path / "new").touch()
    with replacing(tmp_path / "a") as temporary:
        temporary.unlink()
        os.close(os.open(temporary, os.O_CREAT | os.O_WRONLY, 0o600))  # what safetensors makes
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "new").stat().st_mode


def test_a_name_as_long_as_any_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("ä" * 127)
    write_bytes(path, b"x")
    assert path.read_bytes() == b"x"


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_bytes(tmp_path / "missing" / "a", b"x")
    if os.name != "nt":
        with pytest.raises(FileNotFoundError):
            sync_folder(tmp_path / "missing")


def test_files_are_synced_in_one_place() -> None:
    """A second way of replacing a file would forget one of the first one's cares."""
    streams = {"gptdesk/files.py", "gptdesk/hub/transfer.py"}  # the other syncs what it goes on writing
    found = {
        path.relative_to(ROOT).as_posix()
        for folder in ("gptdesk", "trainer")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"\bfsync\(|mkstemp|NamedTemporaryFile", path.read_text(encoding="utf-8"))
    }
    assert found == streams


def test_a_child_process_finds_our_packages_from_any_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    command = [sys.executable, "-c", "import gptdesk, trainer; print(gptdesk.__file__)"]
    child = subprocess.run(command, cwd=tmp_path, env=child_environment(), capture_output=True, text=True, check=False)
    assert child.stderr == ""
    assert Path(child.stdout.strip()).parents[1] == ROOT
