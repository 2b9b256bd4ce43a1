"""SIGTERM as an exception, so that a command can end in order."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn


class Terminated(BaseException):
    """The process received SIGTERM."""


def _terminate(_number: int, _frame: Any) -> NoReturn:
    raise Terminated


@contextmanager
def raised_at_termination() -> Iterator[None]:
    """Inside the context, SIGTERM raises `Terminated` in the main thread."""
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
