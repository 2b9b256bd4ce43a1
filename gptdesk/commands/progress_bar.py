"""A bar on a terminal that shows how far a long job is; nothing where standard error is none."""

from __future__ import annotations

import shutil
import sys
import time
from typing import Final

_TELL_EVERY: Final = 0.2
_BAR: Final = 16


class ProgressBar:
    """One line on standard error that is written over.

    Args:
        label: what the job is.
    """

    def __init__(self, label: str) -> None:
        self._label = label
        self._on = sys.stderr.isatty()
        self._told = 0.0
        self._shown = False

    def show(self, done: int, total: int, note: str = "", *, now: bool = False) -> None:
        """Shows how much is done, at most five times a second unless it must be now."""
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
        """Shows bytes."""
        self.show(done, total, f"{size_text(done)} of {size_text(total)}")

    def end(self) -> None:
        """Leaves the line as it is; what is printed next begins another."""
        if self._shown:
            print(file=sys.stderr)
            self._shown = False


def size_text(size: float) -> str:
    """48 MB, 1.5 GB: bytes in powers of 1000, as disks and the hub count, and as the window writes them."""
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if size < 1000 or unit == "TB":
            break
        size /= 1000
    return f"{size:.{1 if unit in ('GB', 'TB') else 0}f} {unit}"


def parameters_text(number: int) -> str:
    """124M, 1.6M: weights of a model, as the window writes them."""
    for size, unit in ((10**9, "B"), (10**6, "M"), (10**3, "K")):
        if number >= size:
            share = number / size
            return f"{share:.{1 if share < 10 else 0}f}{unit}"
    return str(number)


def time_text(seconds: float) -> str:
    """A duration for people."""
    minutes, left = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {left} s" if minutes else f"{left} s"
