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
"""What this process started and has not seen the end of, with the files that their exit codes are noted in."""


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

    It goes on when this process ends, however it ends, and holds a lock until its own end: on what state it is in,
    neither process ids nor clocks are asked.

    Args:
        command: arguments, or a line for the system's shell.
        folder: that it runs in.
        output: file that its output is appended to.
        lock: file that it holds the lock on; where files cannot be handed on (Windows), see `lives`.
        record: JSON file, replaced, in which its ``pid`` is noted, the bytes of the output that came before it
            (``console``), and its ``code`` when it has ended while this process lives.
        values: that the record holds beside these.

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
        held.release()  # ours; what was started has its own hold on it
    pid: int = process.pid
    with _guard:
        _children[pid] = (process, record)
        _note(record, pid=pid)
    return pid


def _begin(record: Path, values: Mapping[str, Any]) -> None:
    try:
        with _guard:  # or what is noted of an earlier start would come over it
            write_json(record, values)
    except OSError as error:
        raise UserError(f"{record.parent} cannot be written ({error.strerror}).") from None


def _detachment(held: FileLock) -> Mapping[str, object]:
    if os.name == "nt":  # a console of its own that nobody sees, or compilers that it calls would each open one
        import subprocess

        new_group = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
        return {"creationflags": new_group | getattr(subprocess, "CREATE_NO_WINDOW", 0)}
    return {"start_new_session": True, "pass_fds": (held.fileno(),)}


def reap() -> None:
    """Takes leave of what this process started and has ended, and notes how; else the system would keep its entry."""
    with _guard:
        for pid, (process, record) in list(_children.items()):
            if process.poll() is not None:
                del _children[pid]
                if (read_json(record) or {}).get("pid") == pid:  # else it tells of another start by now
                    _note(record, code=process.returncode)


def note(record: Path, **values: Any) -> None:
    """Adds to a record that is there; what cannot be written is passed over."""
    with _guard:
        _note(record, **values)


def _note(record: Path, **values: Any) -> None:
    noted = read_json(record)
    if noted is not None:  # a run that was removed is not made again
        with suppress(OSError):
            write_json(record, noted | values, sync=False)


def lives(lock: Path, record: Mapping[str, object]) -> bool:
    """Whether what was started lives: its lock tells, or on Windows whether this process has seen its end."""
    if os.name != "nt":
        return is_locked(lock)
    pid = record.get("pid")
    with _guard:
        child = _children.get(pid) if isinstance(pid, int) else None
    return child is not None and child[0].poll() is None
