"""Programs in processes of their own that need not load torch anew: they are forks of one that has loaded it."""

import multiprocessing
import os
import runpy
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.patience import PATIENCE

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["trainer.session", "torch._dynamo", "torch.distributed.run"])


class Program:
    """``python -m MODULE ARGUMENTS``, started with this process's environment.

    Args:
        printed: file that gets what it prints.
    """

    def __init__(self, printed: Path, module: str, *arguments: str) -> None:
        self._printed = printed
        self._process = _context.Process(target=_run, args=(printed, module, arguments, dict(os.environ)))
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    @property
    def printed(self) -> str:
        return self._printed.read_text() if self._printed.exists() else ""

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        self._process.join(PATIENCE)
        assert self._process.exitcode is not None, self.printed
        return self._process.exitcode

    def wait_for(self, condition: Callable[[], Any]) -> Any:
        """What ``condition`` gives once that is true, which it must become while the program runs."""
        deadline = time.monotonic() + PATIENCE
        while not (result := condition()):
            self._process.join(0.02)
            if self._process.exitcode is not None and not (result := condition()):
                raise AssertionError(f"it ended with {self._process.exitcode}: {self.printed}")
            assert time.monotonic() < deadline
        return result

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        self._process.kill()
        self.wait()


@contextmanager
def program(printed: Path, module: str, *arguments: str) -> Iterator[Program]:
    """A program that is killed at the end if it still runs."""
    started = Program(printed, module, *arguments)
    try:
        yield started
    finally:
        started.kill()


def _run(printed: Path, module: str, arguments: tuple[str, ...], environment: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    with printed.open("ab") as file:
        os.dup2(file.fileno(), sys.__stdout__.fileno())
        os.dup2(file.fileno(), sys.__stderr__.fileno())
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
