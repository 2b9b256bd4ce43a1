"""One attempt to download a model: lists its files, copies cached ones, transfers the rest, verifies all."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

from gptdesk.bounded_read import ContentError, parse_json
from gptdesk.errors import UserError
from gptdesk.files import sync_folder
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.layout import CONFIG_FILE, LARGEST_JSON, WEIGHTS_FILE
from gptdesk.hub.digest import Digest, HubFile, WrongBytes
from gptdesk.hub.errors import LONGEST_RETRY_AFTER, Passing, not_asked
from gptdesk.hub.transfer import BLOCK, Transfer, TransferStopped
from gptdesk.library.downloads.plan import Plan
from gptdesk.library.files import RESERVE, add_tokenizer, check_room, disk_sentence, hash_file
from gptdesk.library.hubcache import cached_file
from gptdesk.library.record import Record, write_record
from gptdesk.library.repository import PICKLE_FILE, find_repository
from gptdesk.library.weights import check_weights
from gptdesk.number_format import waiting_time

DOWNLOAD: Final = "download"
"""What error messages call the operation."""

READY: Final = "ready"
"""Subfolder of complete, verified files; it becomes the folder of the model."""

_DISK_CHECK_INTERVAL: Final = 32 * 2**20
"""Bytes after which free disk space is measured again."""

_ASKS: Final = 3
"""How often the hub is asked for the list of files while it cannot be reached."""


class Attempt:
    """Downloads one model into its folder. `stop` ends it from another thread; nothing is written after that.

    Args:
        plan: what to download; the list of files, ETags and errors are added to it, and written into the folder.
        folder: of the download.
        changed: called with this object, in the thread of `run`, whenever an attribute changed.

    Attributes:
        state: of the attempt.
        done: bytes that have arrived; while files of an earlier attempt are verified, bytes verified.
        total: bytes of all files; 0 before they are known.
        waiting: why the next request is delayed and for how long, a sentence; empty otherwise.
        guard: held while something in the folder changes.
    """

    def __init__(self, plan: Plan, folder: Path, changed: Callable[[Attempt], None]) -> None:
        self.plan = plan
        self.folder = folder
        self.state: Literal["resolving", "downloading", "verifying"] = "resolving"
        self.done = 0
        self.total = plan.found.bytes if plan.found else 0
        self.waiting = ""
        self.guard = threading.RLock()
        self._changed = changed
        self._stopped = threading.Event()
        self._transfer: Transfer | None = None
        self._before = 0
        self._measured = 0

    def stop(self) -> None:
        """Ends the attempt at once. A thread that waits for the network ends when it wakes, and writes nothing."""
        with self.guard:
            self._stopped.set()
            if self._transfer is not None:
                self._transfer.stop()

    def run(self) -> None:
        """Downloads and verifies all files; leaves the complete model and its record in `READY`.

        Raises:
            TransferStopped: when `stop` was called.
            UserError: when the model cannot be downloaded or used.
        """
        try:
            self._resolve()
            self._check_disk()
            hashes = {}
            assert self.plan.found is not None
            for file in self.plan.found.files:
                hashes[file.path] = self._get(file)
                self._before += file.bytes
                if file.path == CONFIG_FILE:
                    self._check_config()
            self._finish(hashes)
        except OSError as error:
            if self._stopped.is_set():
                raise TransferStopped from None
            raise UserError(disk_sentence(error, self.folder.parent.parent, DOWNLOAD)) from error

    def _resolve(self) -> None:
        for asks in range(_ASKS):
            if self.plan.found is not None:
                break
            try:
                found = find_repository(self.plan.repo, self.plan.asked)
                with self._writing():  # raises if it was stopped meanwhile
                    self.plan.found = found
            except Passing as error:
                if asks == _ASKS - 1:
                    raise
                self._wait(error, 2.0**asks / 2)
            except (TransferStopped, UserError, OSError):
                raise
            except Exception as error:
                raise not_asked(error) from error
        assert self.plan.found is not None
        self.total = self.plan.found.bytes
        with self._writing():
            self.plan.error = ""
            self.plan.write(self.folder)
            (self.folder / READY).mkdir(exist_ok=True)
        self._set_state("downloading")

    def _wait(self, error: Passing, seconds: float) -> None:
        """Waits that many seconds before the hub is asked again, or as long as its ``Retry-After`` says."""
        if (wanted := error.retry_after) is not None:
            if wanted > LONGEST_RETRY_AFTER:
                raise error
            seconds = max(seconds, wanted)
        self.waiting = f"Trying again in {waiting_time(seconds)}: {error}" if seconds >= 1 else ""
        self._changed(self)
        if self._stopped.wait(seconds):
            raise TransferStopped
        self.waiting = ""

    def _check_disk(self) -> None:
        """Refuses a model that does not fit on the disk before anything is transferred."""
        assert self.plan.found is not None
        here = sum(entry.stat().st_size for entry in self.folder.rglob("*") if entry.is_file())
        converted = sum(file.bytes for file in self.plan.found.files if file.path == PICKLE_FILE)
        check_room(self.folder.parent.parent, self.total + converted - here)

    def _get(self, file: HubFile) -> str:
        """Puts one file into `READY` and returns its SHA-256."""
        target = self.folder / READY / file.path
        if (found := self._verify(file, target)) or (found := self._from_cache(file, target)):
            return found
        part = self.folder / f"{file.path}.part"
        transfer = Transfer(file, part, etag=self.plan.etags.get(file.path, ""), changed=self._on_transfer)
        with self.guard:
            if self._stopped.is_set():
                raise TransferStopped
            self._transfer = transfer
        try:
            sha256 = transfer.run()
        except WrongBytes:
            self.plan.etags.pop(file.path, None)
            raise
        with self._writing():
            self._transfer = None
            os.replace(part, target)
        return sha256

    def _on_transfer(self, transfer: Transfer) -> None:
        state: Final = "verifying" if transfer.checking else "downloading"
        self.done, self.waiting = self._before + transfer.done, transfer.waiting
        if transfer.etag != self.plan.etags.get(transfer.file.path, "") and not transfer.checking:
            with self._writing():
                self.plan.etags[transfer.file.path] = transfer.etag
                self.plan.write(self.folder)
        if state == "downloading" and abs(self.done - self._measured) >= _DISK_CHECK_INTERVAL:
            self._measured = self.done
            if shutil.disk_usage(self.folder).free < min(RESERVE, self.total - self.done):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if state != self.state:
            self._set_state(state)
        else:
            self._changed(self)

    def _verify(self, file: HubFile, path: Path) -> str:
        """The SHA-256 of a file of an earlier attempt; empty when there is none, or its hash is wrong."""
        if not path.is_file() or path.stat().st_size != file.bytes:
            return ""
        digest = Digest(file.bytes)
        self._set_state("verifying")
        with path.open("rb", buffering=0) as stream:
            while block := stream.read(4 * BLOCK):
                digest.update(block)
                self._advance(digest.size)
        self._set_state("downloading")
        try:
            return digest.check(file)
        except WrongBytes:
            with self._writing():
                path.unlink()
            return ""

    def _from_cache(self, file: HubFile, target: Path) -> str:
        """Takes a file from the hub's cache, as a hard link if possible, and returns its SHA-256; or ""."""
        if not (file.sha256 or file.blob):
            return ""  # no hash to verify it with
        cached = cached_file(file.repo, file.revision, file.path)
        if cached is None or cached.stat().st_size != file.bytes:
            return ""
        source = os.path.realpath(cached)
        with self._writing():
            target.unlink(missing_ok=True)
            try:
                os.link(source, target)
            except OSError:
                linked = False
            else:
                linked = True
        if not linked:
            with open(source, "rb") as input:
                output = target.open("wb")
                with output:
                    while block := input.read(4 * BLOCK):
                        with self._writing():
                            output.write(block)
                        self._advance(output.tell())
        return self._verify(file, target)

    def _advance(self, done: int) -> None:
        if self._stopped.is_set():
            raise TransferStopped
        self.done = self._before + done
        self._changed(self)

    def _check_config(self) -> None:
        """Refuses another architecture before its weights are downloaded."""
        path = self.folder / READY / CONFIG_FILE
        if path.stat().st_size > LARGEST_JSON:  # a plan of an earlier version may have let it pass
            raise UserError(f"The {CONFIG_FILE} of {self.plan.repo} is too large to be one.")
        try:
            values = parse_json(path.read_bytes())
        except ContentError:
            raise UserError(f"The {CONFIG_FILE} of {self.plan.repo} is no JSON.") from None
        try:
            GPT2Config.from_json(values)
        except UserError as error:
            raise UserError(f"{self.plan.repo} cannot be used: {error}") from None

    def _finish(self, hashes: dict[str, str]) -> None:
        """Converts pickled weights, checks that the model can be loaded, adds its tokenizer and writes its record."""
        self.done = self.total
        self._set_state("verifying")
        ready = self.folder / READY
        assert self.plan.found is not None
        if PICKLE_FILE in hashes:
            from gptdesk.library.pickles import convert_pickle  # torch

            convert_pickle(ready / PICKLE_FILE, ready, self._on_read)
            with self._writing():
                (ready / PICKLE_FILE).unlink()
            del hashes[PICKLE_FILE]
            for name in (CONFIG_FILE, WEIGHTS_FILE):  # the conversion wrote both
                hashes[name] = hash_file(ready / name, self._on_read)
        config = check_weights(ready)
        self.done = self.total
        with self._writing():
            for path in ready.iterdir():
                if path.name not in hashes:  # of another revision, or an earlier attempt
                    path.unlink()
            hashes |= {name: hash_file(ready / name) for name in add_tokenizer(ready, config)}
            write_record(
                ready,
                Record(
                    source=self.plan.repo,
                    revision=self.plan.found.revision,
                    sha256=hashes,
                    licence=self.plan.found.licence,
                ),
            )
            sync_folder(ready)

    def _on_read(self, done: int) -> None:
        """Takes the bytes of weights read for the conversion, which may exceed the bytes downloaded."""
        if self._stopped.is_set():
            raise TransferStopped
        self.done = min(done, self.total)
        self._changed(self)

    def _set_state(self, state: Literal["downloading", "verifying"]) -> None:
        if self._stopped.is_set():
            raise TransferStopped
        self.state = state
        self._changed(self)

    def _writing(self) -> _Writing:
        return _Writing(self.guard, self._stopped)


class _Writing:
    """Holds the guard; raises `TransferStopped` on entry once the attempt was stopped."""

    def __init__(self, guard: threading.RLock, stopped: threading.Event) -> None:
        self._guard = guard
        self._stopped = stopped

    def __enter__(self) -> None:
        self._guard.acquire()
        if self._stopped.is_set():
            self._guard.release()
            raise TransferStopped

    def __exit__(self, *_: object) -> None:
        self._guard.release()
