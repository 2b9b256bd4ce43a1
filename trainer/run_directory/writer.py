"""`RunWriter`: the trainer's side of a run directory; writes events and status, takes requests."""

from __future__ import annotations

import json
import math
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from gptdesk.bounded_read import ContentError, parse_json, read_object, whole
from gptdesk.errors import UserError
from gptdesk.files import read_json, write_json
from gptdesk.locks import FileLock, LockHeld
from trainer.run_directory.layout import (
    CHECKPOINTS,
    CONFIG,
    CONTROL_DONE,
    CONTROL_IN,
    EVENTS,
    EXIT,
    FORMAT,
    LOCK,
    RUN,
    SAMPLES,
    STATUS,
)
from trainer.run_directory.requests import LARGEST_REQUEST, Request, parse_request
from trainer.run_directory.state import boot_id

HEARTBEAT_SECONDS: Final = 1.0

_LAST_BYTES: Final = 1 << 16
"""Bytes at the end of the events that are read when the status is damaged."""


class RunWriter:
    """Writes a run directory and takes requests; records that cannot be written are counted and never stop training.

    Args:
        folder: made when it is not there.
        description: what ``run.json`` records; the first start's is kept.

    Raises:
        UserError: when another trainer is running in it, or it cannot be written.
    """

    def __init__(self, folder: Path, description: Mapping[str, Any]) -> None:
        self.folder = folder
        self.checkpoints = folder / CHECKPOINTS
        self.dropped = 0
        self._guard = threading.Lock()
        try:
            for part in (CHECKPOINTS, CONTROL_IN, CONTROL_DONE):
                (folder / part).mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(folder / LOCK)
            if not (folder / RUN).exists():
                write_json(folder / RUN, {"format": FORMAT, "id": uuid.uuid4().hex, "t": time.time(), **description})
            (folder / EXIT).unlink(missing_ok=True)
            self._events = os.open(folder / EVENTS, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        except LockHeld:
            raise UserError(f"Another trainer is running in {folder}.") from None
        except OSError as error:
            raise UserError(f"The run directory {folder} cannot be written: {error.strerror}.") from None
        self.attempt = _newest_attempt(folder) + 1
        self._sequence = 0
        self._unread: set[str] = set()
        self._status: dict[str, Any] = {
            "format": FORMAT,
            "state": "starting",
            "segment": self.attempt,
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "boot_id": boot_id(),
        }
        self._closing = threading.Event()
        self._write_status()
        self._heart = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._heart.start()
        self._refuse_leftovers()

    def _refuse_leftovers(self) -> None:
        """Refuses requests that were meant for an earlier trainer, so that an old stop does not end this run."""
        for request in self._take(lambda values: values.get("to") != self.attempt):
            self.answer(request, step=self._step, refused="the trainer that was asked had ended")

    def write_config(self, config: Mapping[str, Any]) -> None:
        """Records the configuration in force, which the next start uses."""
        try:
            write_json(self.folder / CONFIG, config)
        except OSError:
            self._drop()

    def event(self, kind: str, **values: Any) -> None:
        """Appends one event. Numbers that are not finite become null and are named under ``nonfinite``."""
        nonfinite = [key for key, value in values.items() if isinstance(value, float) and not math.isfinite(value)]
        line: dict[str, Any] = {
            "v": FORMAT,
            "seq": self._sequence,
            "seg": self.attempt,
            "t": round(time.time(), 3),
            "ev": kind,
            **values,
            **dict.fromkeys(nonfinite),
        }
        if nonfinite:
            line["nonfinite"] = nonfinite
        self._sequence += 1
        self._append(self._events, line)

    def sample(self, **values: Any) -> None:
        """Appends one sampled text to ``samples.jsonl``."""
        try:
            handle = os.open(self.folder / SAMPLES, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        except OSError:
            self._drop()
            return
        try:
            self._append(handle, {"v": FORMAT, "seg": self.attempt, "t": round(time.time(), 3), **values})
        finally:
            os.close(handle)

    def _append(self, handle: int, line: Mapping[str, Any]) -> None:
        data = (json.dumps(line, separators=(",", ":")) + "\n").encode()
        with self._guard:
            try:
                if _ends_in_half_a_line(handle):
                    data = b"\n" + data  # closes what a full disk or a kill left; readers skip that line
                written = os.write(handle, data)
            except OSError:
                written = 0
        if written < len(data):
            self._drop()

    def _drop(self) -> None:
        """Counts a record that could not be written; training continues, and the status reports it."""
        with self._guard:
            self.dropped += 1
            self._status["degraded"] = f"{self.dropped} records could not be written; is the disk full?"

    def status(self, **values: Any) -> None:
        """Changes entries of the status; the heartbeat writes them within a second, a change of ``state`` at once."""
        with self._guard:
            changed = "state" in values and values["state"] != self._status.get("state")
            self._status.update(values)
        if changed:
            self._write_status()

    def _write_status(self) -> None:
        with self._guard:
            values = {**self._status, "heartbeat": time.time()}
        try:
            write_json(self.folder / STATUS, values, sync=False)
        except OSError:
            self._drop()

    def _beat(self) -> None:
        while not self._closing.wait(HEARTBEAT_SECONDS):
            self._write_status()

    def requests(self) -> Iterator[Request]:
        """The requests that wait, oldest first; each is moved to ``control/done`` as it is handed out."""
        return self._take(lambda _: True)

    def _take(self, wanted: Callable[[Mapping[str, Any]], bool]) -> Iterator[Request]:
        try:
            waiting = sorted((self.folder / CONTROL_IN).glob("*.json"))
        except OSError:
            return
        for path in waiting:
            try:
                values, problem = read_object(path, largest=LARGEST_REQUEST), ""
            except FileNotFoundError:
                continue  # it was taken back
            except ContentError as error:
                values, problem = {}, f"it cannot be read: {error}"
            except OSError as error:
                self._note_unread(path, error)
                continue
            if not problem and not wanted(values):
                continue
            try:
                os.replace(path, self.folder / CONTROL_DONE / path.name)
            except OSError:
                continue  # a full disk does not hinder a rename; a vanished file was taken back
            request, odd = parse_request(path, values)
            if problem or odd:
                self.answer(request, step=self._step, refused=problem or odd)
            else:
                yield request

    def _note_unread(self, path: Path, error: OSError) -> None:
        """Notes once that a request cannot be read, and leaves it where it is: the disk may come back."""
        if path.name not in self._unread:
            self._unread.add(path.name)
            reason = f"it cannot be read ({error.strerror}), and was left where it is"
            self.answer(Request(path.stem, "unread"), step=self._step, refused=reason)

    @property
    def _step(self) -> int:
        return whole(self._status.get("step")) or 0

    def answer(self, request: Request, *, step: int, refused: str = "") -> None:
        """Records that a request was carried out, or why it was not."""
        outcome = {"refused": refused} if refused else {"done": True}
        self.event("control", id=request.id, action=request.action, args=dict(request.args), step=step, **outcome)

    def finish(self, state: str, **values: Any) -> None:
        """Writes ``exit.json`` and the last status, and releases the lock."""
        self._closing.set()
        self._heart.join()
        self.status(state=state)
        try:
            write_json(self.folder / EXIT, {"state": state, "t": time.time(), "segment": self.attempt, **values})
        except OSError:
            self._drop()
        os.close(self._events)
        self._lock.release()

    def abandon(self, reason: str) -> None:
        """Writes ``exit.json`` and nothing else, for a process that ends at once; safe in a signal handler."""
        with suppress(OSError):
            write_json(
                self.folder / EXIT, {"state": "stopped", "t": time.time(), "segment": self.attempt, "reason": reason}
            )


def _ends_in_half_a_line(handle: int) -> bool:
    size = os.fstat(handle).st_size
    if not size:
        return False
    os.lseek(handle, size - 1, os.SEEK_SET)
    return os.read(handle, 1) != b"\n"


def _newest_attempt(folder: Path) -> int:
    """The number of the run's newest trainer before: by the status, or by the events where that is damaged; else -1."""
    number = whole((read_json(folder / STATUS) or {}).get("segment"))
    if number is not None:
        return number
    try:
        with (folder / EVENTS).open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _LAST_BYTES))
            lines = file.read(_LAST_BYTES).splitlines()
    except OSError:
        return -1
    return max(map(_attempt_of, lines), default=-1)


def _attempt_of(line: bytes) -> int:
    try:
        event = parse_json(line)
    except ContentError:
        return -1
    number = whole(event.get("seg")) if isinstance(event, dict) else None
    return -1 if number is None else number
