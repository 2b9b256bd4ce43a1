"""Follows a file of lines as it grows, in blocks of whole lines. Imports neither torch nor Qt."""

from __future__ import annotations

import os
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import Final

BLOCK: Final = 1 << 18
"""Bytes read at a time; parsing them lets other threads have the interpreter often enough."""

LONGEST_LINE: Final = 1 << 24
"""Bytes of the longest line that is read; longer ones are skipped."""

_HEAD: Final = 256
"""Bytes at the beginning that identify a file: they contain the time of the first event."""


class LineTail:
    """Reads what was written since the last call. It keeps neither the file open nor a lock, so several may read it.

    When the file was cut, replaced or overwritten, it is read from its beginning.

    Args:
        path: of the file; it may not exist yet, and may vanish.

    Attributes:
        at_end: whether everything was read, up to an unfinished line.
        restarts: how often the file was found cut, replaced or overwritten; what was read before is then void.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._identity: tuple[int, int] | None = None
        self._head = b""
        self._within_line = False  # one that is too long
        self.at_end = False
        self.restarts = 0

    def skip(self) -> None:
        """Passes over what is in the file now."""
        try:
            with self._path.open("rb", buffering=0) as file:
                self._find_place(file)
                self._offset = file.seek(0, os.SEEK_END)
        except OSError:
            return

    def blocks(self) -> Iterator[bytes]:
        """Yields blocks of whole lines, each with its line feed, until everything was read."""
        try:
            with self._path.open("rb", buffering=0) as file:
                self._find_place(file)
                while (block := self._next_block(file)) is not None:
                    self.at_end = self._offset >= os.fstat(file.fileno()).st_size
                    yield block
        except OSError:
            pass  # missing
        self.at_end = True

    def _find_place(self, file: FileIO) -> None:
        status = os.fstat(file.fileno())
        identity, head = (status.st_dev, status.st_ino), file.read(_HEAD)
        same = self._identity in (None, identity) and head.startswith(self._head) and status.st_size >= self._offset
        if not same:
            self._offset, self._within_line = 0, False
            self.restarts += 1
        self._identity, self._head = identity, head

    def _next_block(self, file: FileIO) -> bytes | None:
        """The next whole lines, perhaps none of a line that is too long; ``None`` when there are none yet."""
        file.seek(self._offset)
        data = file.read(BLOCK)
        while b"\n" not in data and len(data) < LONGEST_LINE and (more := file.read(BLOCK)):
            data += more
        end = data.rfind(b"\n") + 1 or (len(data) if len(data) >= LONGEST_LINE else 0)
        if not end:
            return None
        self._offset += end
        block, start = data[:end], data.find(b"\n") + 1 if self._within_line else 0
        self._within_line = not block.endswith(b"\n")
        return b"" if self._within_line else block[start:]
