"""Control of a running trainer: signals and request files, handed to all processes at the same step."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from trainer.parallel.distributed import ProcessGroup
from trainer.run_directory.requests import Request
from trainer.run_directory.writer import RunWriter

POLL_SECONDS: Final = 0.25
"""Between two looks into ``control/in``."""


class Control:
    """Collects requests; `poll` hands every process the same ones.

    Args:
        processes: of the run.
        run: the run directory, in the process that records.
    """

    def __init__(self, processes: ProcessGroup, run: RunWriter | None) -> None:
        self._processes = processes
        self._run = run
        self._signalled = False
        self._looked = 0.0

    def poll(self) -> list[Request]:
        """The requests since the last call; under torchrun every process must call it at the same step."""
        waiting: list[Request] = []
        now = time.monotonic()
        if self._run is not None and now - self._looked >= POLL_SECONDS:
            self._looked = now
            waiting = list(self._run.requests())
        if not self._processes.any(bool(waiting) or self._signalled):
            return []
        requests: list[Request] = self._processes.broadcast(waiting)
        if self._processes.any(self._signalled):
            self._signalled = False
            requests = [*requests, Request("signal", "stop")]
        return requests

    @contextmanager
    def signals(self, log: Callable[[str], None]) -> Iterator[None]:
        """SIGTERM and Ctrl+C ask to save and stop; a second one ends the process at once."""
        received = 0

        def on_signal(number: int, _frame: FrameType | None) -> None:
            nonlocal received
            received += 1
            if received > 1:
                if self._run is not None:
                    self._run.abandon("ended at once by a second signal, without saving")
                os._exit(128 + number)
            self._signalled = True
            log("Saving and stopping (again to stop at once) ...")

        numbers = [signal.SIGINT, signal.SIGTERM]
        if hasattr(signal, "SIGBREAK"):
            numbers.append(signal.SIGBREAK)
        previous = {number: signal.signal(number, on_signal) for number in numbers}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
