"""Progress of a long job on stderr: one line rewritten in a terminal, occasional lines in a file."""

from __future__ import annotations

import sys
import time
from typing import Final, TextIO

from gptdesk.number_format import duration

_TERMINAL_SECONDS: Final = 0.1
_FILE_SECONDS: Final = 10.0


class ProgressLine:
    """Shows how much is done, how fast, and the time left.

    Args:
        what: is being done, and to what.
        unit: of what is counted.
        stream: stderr when not given.
    """

    def __init__(self, what: str, unit: str, stream: TextIO | None = None) -> None:
        self._what = what
        self._unit = unit
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._began = self._shown = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._shown < (_TERMINAL_SECONDS if self._terminal else _FILE_SECONDS):
            return
        self._shown = now
        speed = done / (now - self._began)
        left = f", {duration((total - done) / speed)} left" if speed else ""
        line = f"{self._what}: {done:,} of {total:,} {self._unit}, {speed:,.1f}/s{left}"
        self._stream.write(f"\r{line}\x1b[K" if self._terminal else f"{line}\n")
        self._stream.flush()

    def clear(self) -> None:
        """Takes the line off a terminal, so that results begin on a clean one."""
        if self._terminal:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
