"""Runs units in worker processes, or in this one when one is enough."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, Final, Protocol

from gptdesk.errors import UserError
from trainer.prepare.encoding.blocks import EncodedUnit
from trainer.prepare.encoding.worker import Task, UnitEncoder, UnitProgress
from trainer.prepare.plan import Request

Report = Callable[[UnitProgress], None]

_AHEAD: Final = 1
"""Units that wait at a worker while it has one in hand, so that it never waits for us."""


class Pool(Protocol):
    """Encodes units, in any order.

    Attributes:
        has_room: whether `submit` may be called.
        busy: whether anything submitted is not done yet.
    """

    @property
    def has_room(self) -> bool: ...

    @property
    def busy(self) -> bool: ...

    def submit(self, task: Task) -> None: ...

    def wait(self, seconds: float) -> list[EncodedUnit]:
        """Units that are encoded; waits for one, at most so long.

        Raises:
            UserError: what ended a unit.
        """
        ...

    def close(self) -> None:
        """Ends the pool at once; units being encoded are lost."""
        ...


def make_pool(workers: int, request: Request, folder: Path, *, strict: bool, report: Report) -> Pool:
    """A pool of ``workers`` processes; a single worker is this process."""
    if workers == 1:
        return InlinePool(request, folder, strict=strict, report=report)
    return WorkerPool(workers, request, folder, strict=strict, report=report)


class InlinePool:
    """Encodes units in this process, one at each `wait`."""

    def __init__(self, request: Request, folder: Path, *, strict: bool, report: Report) -> None:
        self._encoder = UnitEncoder(request, folder, strict=strict)
        self._tasks: deque[Task] = deque()
        self._report = report

    @property
    def has_room(self) -> bool:
        return not self._tasks

    @property
    def busy(self) -> bool:
        return bool(self._tasks)

    def submit(self, task: Task) -> None:
        self._tasks.append(task)

    def wait(self, seconds: float) -> list[EncodedUnit]:
        return [self._encoder.encode(self._tasks.popleft(), self._report)]

    def close(self) -> None:
        self._tasks.clear()


class WorkerPool:
    """Worker processes, started as there is work for them; they end when this process does, however it ends."""

    def __init__(self, workers: int, request: Request, folder: Path, *, strict: bool, report: Report) -> None:
        self._settings = (request, folder, strict)
        self._most = workers
        self._report = report
        self._workers: list[_Worker] = []

    @property
    def has_room(self) -> bool:
        return len(self._workers) < self._most or any(len(worker.tasks) <= _AHEAD for worker in self._workers)

    @property
    def busy(self) -> bool:
        return any(worker.tasks for worker in self._workers)

    def submit(self, task: Task) -> None:
        least = min(self._workers, key=lambda worker: len(worker.tasks), default=None)
        if least is None or (least.tasks and len(self._workers) < self._most):
            least = _Worker(*self._settings)
            self._workers.append(least)
        least.submit(task)

    def wait(self, seconds: float) -> list[EncodedUnit]:
        at_work = [worker for worker in self._workers if worker.tasks]
        ready = set(wait([*(w.connection for w in at_work), *(w.process.sentinel for w in at_work)], seconds))
        done = []
        for worker in at_work:
            if worker.connection in ready or worker.process.sentinel in ready:
                done += worker.receive(self._report)
        return done

    def close(self) -> None:
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()
            worker.connection.close()


class _Worker:
    """A worker process and the units that it was given."""

    def __init__(self, request: Request, folder: Path, strict: bool) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process: SpawnProcess = context.Process(target=_serve, args=(theirs, request, folder, strict), daemon=True)
        self.process.start()
        theirs.close()
        self.tasks: deque[Task] = deque()

    def submit(self, task: Task) -> None:
        self.tasks.append(task)
        with suppress(OSError):  # it is dead; receive says so
            self.connection.send(task)

    def receive(self, report: Report) -> list[EncodedUnit]:
        """Units that the process has encoded since the last call; reports its progress.

        Raises:
            UserError: what ended a unit, or that the process died.
        """
        done = []
        try:
            while self.connection.poll():
                match self.connection.recv():
                    case UnitProgress() as underway:
                        report(underway)
                    case EncodedUnit() as unit:
                        self.tasks.popleft()
                        done.append(unit)
                    case Exception() as error:
                        raise error
        except (EOFError, ConnectionError):
            self.process.join()
            names = ", ".join(sorted({file.name for file in self.tasks[0].files.values()})[:3])
            raise UserError(
                f"A worker process died while reading {names} ({_ending(self.process.exitcode)}); if memory ran out, "
                "use fewer --workers. Run the same command to resume."
            ) from None
        return done


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        return signal.Signals(-code).name
    return f"exit code {code}"


def _serve(connection: Connection[Any, Any], request: Request, folder: Path, strict: bool) -> None:
    """Main function of a worker process: encodes units until there are no more."""
    # Ctrl+C and SIGTERM reach the whole process group; whoever started us decides what they mean.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    try:
        encoder = UnitEncoder(request, folder, strict=strict)
        while True:
            connection.send(encoder.encode(connection.recv(), connection.send))
    except (EOFError, ConnectionError):
        return
    except UserError as error:
        connection.send(error)
    except Exception as error:
        error.add_note(f"In a worker process:\n{traceback.format_exc()}")
        connection.send(error)


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent
    wait([parent.sentinel])
    os._exit(1)
