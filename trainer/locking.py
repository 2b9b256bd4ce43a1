"""A lock on a file that its holder's death releases, whatever killed it. Imports neither torch nor Qt."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

_TRIES, _BETWEEN_SECONDS = 20, 0.05
"""A reader that asks who holds the lock has it for an instant; a writer waits that long and a good deal longer."""

LOCKED_BYTE: Final = 0


class LockHeld(Exception):
    """Somebody else holds the lock."""


def _take(handle: int) -> bool:
    if os.name == "nt":
        import msvcrt

        try:
            os.lseek(handle, LOCKED_BYTE, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class FileLock:
    """Holds the lock on ``path`` until `release` or the end of the process.

    Raises:
        LockHeld: when somebody else has it.
        OSError: when the file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        for attempt in range(_TRIES):
            if _take(self._handle):
                return
            if attempt + 1 < _TRIES:
                time.sleep(_BETWEEN_SECONDS)
        os.close(self._handle)
        raise LockHeld(str(path))

    def fileno(self) -> int:
        """The file that is locked; a process that it is handed on to holds the lock as well, until both let go."""
        return self._handle

    def release(self) -> None:
        os.close(self._handle)


def is_locked(path: Path) -> bool:
    """Whether somebody holds the lock now; takes it for an instant to find out. False when there is no such file, or
    none that can be locked.
    """
    handle = _opened(path, os.O_RDWR)
    if handle is None:
        handle = _opened(path, os.O_RDONLY)  # it may be of a run of somebody else
    if handle is None:
        return False
    try:
        return not _take(handle)
    except OSError:
        return False
    finally:
        os.close(handle)


def _opened(path: Path, how: int) -> int | None:
    try:
        return os.open(path, how)
    except OSError:
        return None
