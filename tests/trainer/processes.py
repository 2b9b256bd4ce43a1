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

from torch.distributed import TCPStore

from tests.patience import PATIENCE

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["trainer.session", "torch._dynamo", "torch.distributed.fsdp", "torch.distributed.run"])


class Program:
    """``python -m MODULE ARGUMENTS``, started with this process's environment and what is given beside it.

    Args:
        printed: file that gets what it prints.
    """

    def __init__(self, printed: Path, module: str, *arguments: str, **environment: str) -> None:
        self._printed = printed
        self._process = _context.Process(target=_run, args=(printed, module, arguments, {**os.environ, **environment}))
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


class Group:
    """Two programs that find each other as those of torchrun do."""

    def __init__(self, printed: Path, module: str, *arguments: str) -> None:
        self._store = TCPStore("localhost", 0, is_master=True, wait_for_workers=False)  # any free port
        meeting = {"MASTER_ADDR": "localhost", "MASTER_PORT": str(self._store.port), "WORLD_SIZE": "2"}
        self._members = [
            Program(
                printed.with_name(f"{printed.name}-{rank}"), module, *arguments, RANK=str(rank), LOCAL_RANK=str(rank),
                TORCHELASTIC_USE_AGENT_STORE="True", **meeting,
            )
            for rank in range(2)
        ]  # fmt: skip

    @property
    def printed(self) -> str:
        return "".join(member.printed for member in self._members)

    def wait(self) -> int:
        """The largest of their exit codes, once all have ended."""
        return max(member.wait() for member in self._members)

    def wait_for(self, condition: Callable[[], Any]) -> Any:
        """What ``condition`` gives once that is true, which it must become while the first runs."""
        return self._members[0].wait_for(condition)

    def kill(self) -> None:
        for member in self._members:
            member.kill()


@contextmanager
def group(printed: Path, module: str, *arguments: str) -> Iterator[Group]:
    """A group that is killed at the end if it still runs."""
    started = Group(printed, module, *arguments)
    try:
        yield started
    finally:
        started.kill()


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
