"""File lock that the death of its holder releases, whatever killed it; can be probed and inherited by children."""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import TracebackType
from typing import Final

_BETWEEN_SECONDS: Final = 0.05

PROBE_SECONDS: Final = 1.0
"""A prober (`is_locked`) has the lock for an instant; whoever takes it tries for a good deal longer than that."""

LOCKED_BYTE: Final = 0


class LockHeld(Exception):
    """Another process, or another lock of this one, holds the lock."""


class FileLock:
    """Holds the lock on ``path`` until `release` or the end of the process; also a context manager.

    Args:
        path: the file, made where there is none and left where it is; its contents do not matter.
        patience: seconds to try before giving up; 0 tries once.

    Raises:
        LockHeld: when somebody else has it.
        OSError: when the file cannot be made, or the file system knows no locks.
    """

    def __init__(self, path: Path, *, patience: float = PROBE_SECONDS) -> None:
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            self._wait(path, patience)
        except BaseException:
            os.close(self._handle)
            raise

    def _wait(self, path: Path, patience: float) -> None:
        waits = round(patience / _BETWEEN_SECONDS)  # counted: on a busy machine the seconds pass without a try
        while not _take(self._handle):
            if not waits:
                raise LockHeld(str(path))
            waits -= 1
            time.sleep(_BETWEEN_SECONDS)

    def fileno(self) -> int:
        """Handle of the locked file; a child process that inherits it holds the lock too, until both let go."""
        return self._handle

    def release(self) -> None:
        os.close(self._handle)

    def __enter__(self) -> FileLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def is_locked(path: Path) -> bool:
    """Whether somebody holds the lock now; takes it for an instant to find out.

    False when there is no such file, or none that can be locked.
    """
    handle = _opened(path, os.O_RDWR)
    if handle is None:
        handle = _opened(path, os.O_RDONLY)  # it may belong to another user
    if handle is None:
        return False
    try:
        return not _take(handle)
    except OSError:
        return False
    finally:
        os.close(handle)


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


def _opened(path: Path, how: int) -> int | None:
    try:
        return os.open(path, how)
    except OSError:
        return None
