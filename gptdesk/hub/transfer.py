"""Downloads one file of the hub into a part file, resumes it, and verifies its contents."""

from __future__ import annotations

import os
import random
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Final

from gptdesk.errors import UserError
from gptdesk.hub.answers import answer
from gptdesk.hub.digest import Digest, HubFile, WrongBytes, wrong_bytes
from gptdesk.hub.errors import LONGEST_RETRY_AFTER, Passing, reason_of
from gptdesk.number_format import waiting_time

BLOCK: Final = 256 * 1024
"""Bytes that are read, hashed and written at once; a broken connection loses no more than that."""

_SYNC_EVERY: Final = 64 * 2**20
"""Bytes between two syncs to the disk; a power cut loses no more than that."""

_TRIES: Final = 8
"""Failures in a row without progress after which a transfer fails: after about half a minute."""

_FIRST_WAIT: Final = 0.1
_LONGEST_WAIT: Final = 30.0

_RESTARTS: Final = 8
"""How often a transfer may restart from the first byte because the server cannot resume it."""

_CONTENT_RANGE: Final = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


class TransferStopped(Exception):
    """`Transfer.stop` was called; the part file is kept."""


class Transfer:
    """Downloads one file into a part file.

    `run` does the work in the thread that calls it; `stop` may be called from any other.

    Args:
        file: to download.
        part: path of the part file; resumed if it exists.
        etag: ETag of the bytes in ``part``, to notice a changed file; empty when unknown.
        stopped: ends the transfer at the next block when it is set.
        changed: called with this object, in the thread of `run`, after every block and change of an attribute.

    Attributes:
        done: bytes in the part file; while ``checking``, bytes hashed.
        checking: whether an existing part file is being hashed.
        waiting: why the next attempt is delayed and for how long, a sentence; empty otherwise.
        etag: of the part file; empty when the server gives none.
    """

    def __init__(
        self,
        file: HubFile,
        part: Path,
        *,
        etag: str = "",
        stopped: threading.Event | None = None,
        changed: Callable[[Transfer], None] = lambda transfer: None,
    ) -> None:
        self.file = file
        self.done = 0
        self.checking = False
        self.waiting = ""
        self.etag = etag
        self._part = part
        self._changed = changed
        self._lock = threading.Lock()
        self._stopped = stopped or threading.Event()
        self._output: IO[bytes] | None = None
        self._digest = Digest(file.bytes)
        self._restarts = 0

    def stop(self) -> None:
        """Ends the transfer. Nothing is written after this returns, even if the connection is still waiting."""
        with self._lock:
            self._stopped.set()
            self._close()

    def _close(self) -> None:
        if self._output is not None:
            self._output.close()  # buffers nothing
            self._output = None

    def run(self) -> str:
        """Downloads the missing bytes and returns the SHA-256 of the file.

        Raises:
            TransferStopped: when `stop` was called.
            WrongBytes: when size or hash are wrong; the part file is deleted then.
            UserError: when the hub cannot be reached, or refuses the file.
            OSError: when it cannot be written.
        """
        self._open()
        try:
            failures = 0
            while self.done < self.file.bytes:
                before = self.done
                try:
                    self._fetch()
                except Passing as error:
                    failures = 1 if self.done > before else failures + 1
                    if failures >= _TRIES:
                        raise
                    self._wait(error, failures)
            self._sync()
            try:
                return self._digest.check(self.file)
            except WrongBytes:
                self._throw_away()
                raise
        finally:
            with self._lock:
                self._close()

    def _open(self) -> None:
        """Opens the part file and hashes its contents, because the state of a hash is not stored."""
        with self._lock:
            if self._stopped.is_set():
                raise TransferStopped
            self._output = open(self._part, "ab", buffering=0)  # noqa: SIM115 (closed by `stop`)
        if (here := os.path.getsize(self._part)) > self.file.bytes:
            self._start_anew()
        elif here:
            self.checking = True
            with open(self._part, "rb", buffering=0) as part:
                while block := part.read(4 * BLOCK):
                    self._digest.update(block)
                    self._advance()
            self.checking = False
            self._changed(self)

    def _advance(self) -> None:
        self.done = self._digest.size
        if self._stopped.is_set():
            raise TransferStopped
        self._changed(self)

    def _start_anew(self) -> None:
        """Discards the part file when the server cannot resume it."""
        self._restarts += 1
        if self._restarts > _RESTARTS:
            raise UserError(
                f"The hub cannot resume {self.file.path} of {self.file.repo} where the connection broke off; "
                "try again later, or over a steadier connection."
            )
        with self._lock:
            if self._output is None:
                raise TransferStopped
            self._output.truncate(0)
        self._digest = Digest(self.file.bytes)
        self.done, self.etag = 0, ""

    def _throw_away(self) -> None:
        """Deletes the part file, unless the transfer was stopped: another transfer may use the file by then."""
        with self._lock:
            if self._output is not None:
                self._close()
                self._part.unlink(missing_ok=True)

    def _write(self, block: bytes) -> None:
        with self._lock:
            if self._output is None or self._stopped.is_set():
                raise TransferStopped
            view = memoryview(block)
            while view:  # unbuffered files may take less than they are given
                view = view[self._output.write(view) :]
        self._digest.update(block)

    def _sync(self) -> None:
        with self._lock:
            if self._output is None:
                raise TransferStopped
            handle = os.dup(self._output.fileno())
        try:
            os.fsync(handle)  # may take a while, and `stop` must not
        finally:
            os.close(handle)

    def _fetch(self) -> None:
        """Appends the bytes of one connection to the part file."""
        from huggingface_hub import constants, errors, hf_hub_url

        file = self.file
        url = hf_hub_url(file.repo, file.path, repo_type=file.kind, revision=file.revision, endpoint=constants.ENDPOINT)
        headers = {"Accept-Encoding": "identity"}
        if self.done:
            headers["Range"] = f"bytes={self.done}-"
            if self.etag:
                headers["If-Range"] = self.etag
        with answer(
            url, file.repo, timeout=constants.HF_HUB_DOWNLOAD_TIMEOUT, what=file.what, revision=file.revision,
            file=file.path, headers=headers, accepted=(416,) if self.done else (),
        ) as response:  # fmt: skip
            if self._stopped.is_set():
                raise TransferStopped
            if response.status_code == 416:  # the file there is shorter than the part
                self._start_anew()
                return
            self.waiting = ""
            if not self._goes_on(response):
                self._start_anew()
                if response.status_code == 206:  # it does not begin at the first byte
                    return
            etag = response.headers.get("ETag", "")
            strong = etag.isascii() and etag.isprintable() and not etag.startswith("W/")
            self.etag = etag if strong else ""  # weak ETags do not identify bytes
            self._changed(self)
            try:
                self._read(response)
            except errors.HTTPError as error:
                raise self._broken(reason_of(error)) from None
        if self.done < file.bytes:
            raise self._broken("it ended early")

    def _broken(self, reason: str) -> Passing:
        return Passing(
            f"The connection for {self.file.path} of {self.file.repo} broke off ({reason}); try again later."
        )

    def _goes_on(self, response: Any) -> bool:
        """Whether the response continues the part file; a server may also send the whole file, or another version."""
        if response.status_code != 206:
            return self.done == 0
        match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if match is not None and (int(match[1]) != self.done or match[3] not in ("*", str(self.file.bytes))):
            return False
        etag = response.headers.get("ETag", "")
        return not (self.etag and etag and etag != self.etag)

    def _read(self, response: Any) -> None:
        synced = self.done
        for piece in response.iter_raw():  # unbuffered, so that a broken connection loses no bytes
            for start in range(0, len(piece), BLOCK):
                block = piece[start : start + BLOCK]
                if self.done + len(block) > self.file.bytes:
                    self._throw_away()
                    raise wrong_bytes(self.file, f"{self.file.bytes:,} bytes", "more", "")
                self._write(block)
                self._advance()
            if self.done - synced >= _SYNC_EVERY:
                self._sync()
                synced = self.done

    def _wait(self, error: Passing, failures: int) -> None:
        """Waits before the next attempt: exponential backoff with jitter, or ``Retry-After``."""
        seconds = min(_LONGEST_WAIT, _FIRST_WAIT * 2.0**failures) * random.uniform(0.5, 1.0)
        if error.retry_after is not None:
            if error.retry_after > LONGEST_RETRY_AFTER:
                raise error
            seconds = error.retry_after + random.uniform(0, 0.5)
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.waiting = f"Trying again in {waiting_time(left)}: {error}" if seconds >= 1 else ""
            self._changed(self)
            if self._stopped.wait(min(left, 1.0)):
                raise TransferStopped
        self.waiting = ""
