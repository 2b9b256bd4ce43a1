"""Ctrl+C during a command that computes: noticed between two steps, or the end of the process while modules load."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def ended_by_interrupt() -> Iterator[None]:
    """Lets Ctrl+C end the process at once: Python would react only after the import."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:  # started in the background, where Ctrl+C is meant for others
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def interrupts() -> Iterator[Callable[[], bool]]:
    """Yields a function that returns whether Ctrl+C was pressed; a second Ctrl+C ends the process at once."""
    interrupted = False

    def on_interrupt(signal_number: int, frame: FrameType | None) -> None:
        nonlocal interrupted
        interrupted = True
        signal.signal(signal.SIGINT, before)

    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:  # started in the background, where Ctrl+C is meant for others
        yield lambda: False
        return
    signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield lambda: interrupted
    finally:
        signal.signal(signal.SIGINT, before)
