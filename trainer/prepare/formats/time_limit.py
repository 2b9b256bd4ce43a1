"""Limits the time of a library call on a hostile file."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_LOOK_SECONDS: Final = 0.2


class TookTooLong(BaseException):
    """The work used up its time. No `Exception`, which libraries catch."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raises `TookTooLong` in the block once its thread has used so many seconds of the processor.

    A second thread looks at the clock, so this works in any thread, but in Python code alone: a call of C code ends
    first. Time of the processor does not grow while a busy computer does other things; where the system does not tell
    that of a thread (Windows, macOS), time on the clock is counted.
    """
    thread, clock = threading.get_ident(), _clock()
    end, finished, raising = clock() + seconds, threading.Event(), threading.Lock()

    def watch() -> None:
        while not finished.wait(_LOOK_SECONDS):
            with raising:
                if clock() >= end and not finished.is_set():
                    _raise_in(thread, TookTooLong)  # each time: the library may have caught it

    watcher = threading.Thread(target=watch, name="time limit", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        while not finished.is_set():
            try:
                finished.set()
                with raising:
                    _raise_in(thread, None)  # what is on its way
            except TookTooLong:
                continue
        watcher.join()


def _clock() -> Callable[[], float]:
    """The time that this thread has used, readable from others."""
    if hasattr(time, "pthread_getcpuclockid"):
        number = time.pthread_getcpuclockid(threading.get_ident())
        return lambda: time.clock_gettime(number)
    return time.monotonic


def _raise_in(thread: int, error: type[BaseException] | None) -> None:
    """Has the thread raise that soon, or, for None, no longer."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(error) if error else None)
