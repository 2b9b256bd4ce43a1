"""A progress bar on standard error, if that is a terminal."""

from __future__ import annotations

import shutil
import sys
import time
from typing import Final

from gptdesk import number_format

_TELL_EVERY: Final = 0.2
_BAR: Final = 16


class ProgressBar:
    """A progress bar in one line of standard error.

    Args:
        label: name of the job.
    """

    def __init__(self, label: str) -> None:
        self._label = label
        self._on = sys.stderr.isatty()
        self._told = 0.0
        self._shown = False

    def show(self, done: int, total: int, note: str = "", *, now: bool = False) -> None:
        """Shows the progress, at most five times a second unless ``now``."""
        at = time.monotonic()
        if not self._on or (at - self._told < _TELL_EVERY and not now):
            return
        self._told = at
        share = min(1.0, done / total) if total else 0.0
        bar = "█" * round(share * _BAR)
        line = f"{self._label}  {bar:░<{_BAR}} {share:4.0%}  {note}"
        width = shutil.get_terminal_size().columns - 1
        print(f"\r{line[:width]:<{width}}", end="", file=sys.stderr, flush=True)
        self._shown = True

    def progress(self, done: int, total: int) -> None:
        """Shows progress in bytes."""
        self.show(done, total, f"{number_format.size(done)} of {number_format.size(total)}")

    def end(self) -> None:
        """Ends the line."""
        if self._shown:
            print(file=sys.stderr)
            self._shown = False
