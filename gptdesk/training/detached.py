"""Starts processes that outlive this one: own session, output to a file, a lock held until they end."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gptdesk.child_process import child_environment
from gptdesk.errors import UserError
from gptdesk.files import read_json, write_json
from gptdesk.locks import FileLock, LockHeld, is_locked

if TYPE_CHECKING:
    import subprocess

_guard = threading.Lock()
_children: dict[int, tuple[subprocess.Popen[bytes], Path]] = {}
"""Running processes that this one started, by process id, and the records that get their exit codes."""


def start_detached(
    command: Sequence[str] | str,
    *,
    folder: Path,
    output: Path,
    lock: Path,
    record: Path,
    values: Mapping[str, Any],
) -> int:
    """Starts a program and returns its process id.

    The program survives the end of this process. It holds a lock until it ends, so that its state does not depend on
    process ids or clocks.

    Args:
        command: arguments, or a line for the system's shell.
        folder: that it runs in.
        output: file that its output is appended to.
        lock: file that it holds the lock on; on Windows, where it cannot be inherited, see `lives`.
        record: JSON file, replaced, with its ``pid``, the bytes of output before it started (``console``), and its exit
            ``code`` if it ends while this process lives.
        values: further entries of the record.

    Raises:
        UserError: when it cannot be started, or another holds the lock.
    """
    import subprocess  # the window starts nothing before it is painted

    reap()
    shell = isinstance(command, str)
    try:
        held = FileLock(lock)
    except LockHeld:
        raise UserError(f"It is being started already in {lock.parent}.") from None
    except OSError as error:
        raise UserError(f"{lock.parent} cannot be written ({error.strerror}).") from None
    try:
        _begin(record, {**values, "console": output.stat().st_size if output.exists() else 0})
        with output.open("ab") as console:
            process = subprocess.Popen(
                command,
                shell=shell,
                cwd=folder,
                env=child_environment(),
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                **_detachment(held),  # type: ignore[call-overload]
            )
    except OSError as error:
        name = "The shell" if shell else command[0]
        raise UserError(f"{name} cannot be started ({error.strerror or error}).") from None
    finally:
        held.release()  # the child holds the inherited one
    pid: int = process.pid
    with _guard:
        _children[pid] = (process, record)
        _note(record, pid=pid)
    return pid


def _begin(record: Path, values: Mapping[str, Any]) -> None:
    try:
        with _guard:  # an earlier start must not overwrite it
            write_json(record, values)
    except OSError as error:
        raise UserError(f"{record.parent} cannot be written ({error.strerror}).") from None


def _detachment(held: FileLock) -> Mapping[str, object]:
    if os.name == "nt":  # an invisible console; without one, each compiler that it calls would open a window
        import subprocess

        new_group = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
        return {"creationflags": new_group | getattr(subprocess, "CREATE_NO_WINDOW", 0)}
    return {"start_new_session": True, "pass_fds": (held.fileno(),)}


def reap() -> None:
    """Collects the exit codes of children that have ended and records them, so that none stays a zombie."""
    with _guard:
        for pid, (process, record) in list(_children.items()):
            if process.poll() is not None:
                del _children[pid]
                if (read_json(record) or {}).get("pid") == pid:  # else the record belongs to a later start
                    _note(record, code=process.returncode)


def note(record: Path, **values: Any) -> None:
    """Adds entries to an existing record; a failed write is ignored."""
    with _guard:
        _note(record, **values)


def _note(record: Path, **values: Any) -> None:
    noted = read_json(record)
    if noted is not None:  # a deleted run is not created again
        with suppress(OSError):
            write_json(record, noted | values, sync=False)


def lives(lock: Path, record: Mapping[str, object]) -> bool:
    """Whether the started process is running: by its lock, on Windows by whether this process has seen it end."""
    if os.name != "nt":
        return is_locked(lock)
    pid = record.get("pid")
    with _guard:
        child = _children.get(pid) if isinstance(pid, int) else None
    return child is not None and child[0].poll() is None
