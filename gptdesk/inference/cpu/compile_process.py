"""Compiles the decode step in a separate process that outlives the program that started it; one at a time.

``python -m gptdesk.inference.cpu.compile_process`` is that process. It may be killed at any moment: the record
is written last, and the next start compiles again. Its output goes to `LOG` beside the code.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from gptdesk.child_process import child_environment, python_command
from gptdesk.errors import UserError
from gptdesk.inference.cpu.compiling import (
    FOLDER_VARIABLE,
    CompiledStep,
    code_folder,
    compile_step,
    find_step,
    read_record,
)
from gptdesk.locks import FileLock, LockHeld, is_locked

LOG: Final = "compile.log"
LOCK: Final = "compile.lock"

_PATIENCE_SECONDS: Final = 2.0
"""A lock held longer belongs to a compiling process: those that only ask whether it is held take it for an instant."""

_POLL_SECONDS: Final = 0.2
_NICENESS: Final = 10

_guard = threading.Lock()
_waiting: list[Future[CompiledStep]] = []  # at most one


def compile_elsewhere() -> Future[CompiledStep]:
    """Starts a process that compiles the step; returns a future of it. This process may end before.

    The future fails with `UserError` when compiling failed; the next call tries again.
    """
    with _guard:
        if not _waiting or (_waiting[0].done() and _waiting[0].exception()):
            _waiting[:] = [Future()]
            threading.Thread(target=_wait, args=(_waiting[0],), name="wait for compiled code", daemon=True).start()
        return _waiting[0]


def is_compiling() -> bool:
    """Whether a process of this user is compiling the step."""
    return is_locked(code_folder() / LOCK)


def describe_code() -> str:
    """A phrase for the user: whether compiled code exists, for which processor and version, and its duration."""
    if find_step() is None:
        return "being compiled now" if is_compiling() else "not yet; the first completion compiles it in the background"
    record = read_record()
    if record is None:  # it could not be kept
        return "for this program alone"
    return f"for {record.processor}, numba {record.numba}, compiled in {record.seconds:.1f} s"


def main() -> int:
    """Compiles and caches the step; returns at once if another process is compiling it.

    Returns:
        Exit status 0.
    """
    _lower_priority()
    folder = code_folder()
    try:
        with FileLock(folder / LOCK, patience=_PATIENCE_SECONDS):
            if find_step() is None:
                compile_step()
    except LockHeld:
        pass
    return 0


def _wait(result: Future[CompiledStep]) -> None:
    """Starts the process, waits until compiling has ended, and sets the result."""
    try:
        folder = code_folder()
        status = _start(folder).wait()
        while is_compiling():
            time.sleep(_POLL_SECONDS)
        step = find_step()
        if step is None:
            raise UserError(f"Compiling the decode step failed (exit status {status}); see {folder / LOG}.")
        result.set_result(step)
    except Exception as error:  # of any kind: torch continues to decode
        result.set_exception(error)


def _start(folder: Path) -> subprocess.Popen[bytes]:
    environment = child_environment()
    kept = environment.get(FOLDER_VARIABLE)
    environment[FOLDER_VARIABLE] = str(folder.parent)
    with (folder / LOG).open("wb") as log:
        process = subprocess.Popen(
            python_command("gptdesk.inference.cpu.compile_process"),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            **_detachment(),
        )
    if not kept or Path(kept).absolute() != folder.parent:  # a temporary folder is removed with this process
        atexit.register(_kill, process)
    return process


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def _detachment() -> dict[str, Any]:
    """Options that keep Ctrl+C and the end of the terminal from the process."""
    if os.name == "nt":
        names = ("CREATE_NEW_PROCESS_GROUP", "CREATE_NO_WINDOW", "BELOW_NORMAL_PRIORITY_CLASS")
        return {"creationflags": sum(getattr(subprocess, name, 0) for name in names)}
    return {"start_new_session": True}


def _lower_priority() -> None:
    if hasattr(os, "nice"):
        with suppress(OSError):
            os.nice(_NICENESS)


if __name__ == "__main__":
    sys.exit(main())
