"""Runs model downloads in threads, several at once within a limit; unfinished ones are kept on disk."""

from __future__ import annotations

import os
import shutil
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from gptdesk.errors import UserError
from gptdesk.files import sync_folder
from gptdesk.folders import Folders, ensure_folder
from gptdesk.hub.transfer import TransferStopped
from gptdesk.library.downloads.attempt import READY, Attempt
from gptdesk.library.downloads.download import Download, bytes_here
from gptdesk.library.downloads.naming import is_here, name_of, new_folder, refuse_second
from gptdesk.library.downloads.plan import Plan, read_plan
from gptdesk.library.library import Library, now
from gptdesk.library.names import free_name, taken
from gptdesk.library.record import read_record, write_record
from gptdesk.library.repository import parse_name
from gptdesk.locks import FileLock, LockHeld, is_locked

DOWNLOADS: Final = ".downloads"
"""Folder in the models folder, with one folder for each download that has not ended."""

_LOCK: Final = "lock"
_ELSEWHERE: Final = "Another gptdesk is downloading it; wait for that, or stop it there."
_CANCELLED: Final = ".cancelled-"
_TELL_EVERY: Final = 0.2
"""Seconds between two reports of progress."""

_LONGEST_END: Final = 0.3
"""Seconds that a stop waits for the thread; one that waits for the network is left to itself, and writes nothing."""


class Downloads:
    """The downloads of one person. Threads are its own; call it from any.

    Args:
        folders: of the person; unfinished downloads of earlier days are found there and are "paused".
        limit: how many run at once; others wait.
        on_change: told of every change, of progress at most five times a second for each; called from any thread, and
            must not wait for this object.
    """

    def __init__(
        self, folders: Folders, limit: int = 2, on_change: Callable[[Download], None] = lambda download: None
    ) -> None:
        self.models = folders.models
        self.limit = limit
        self.on_change = on_change
        self._library = Library(folders)
        self._place = folders.models / DOWNLOADS
        self._guard = threading.RLock()
        self._threads: set[threading.Thread] = set()
        self._downloads: list[Download] = []
        with suppress(OSError):
            for folder in sorted(self._place.iterdir()):
                if folder.name.startswith(_CANCELLED):
                    shutil.rmtree(folder, ignore_errors=True)
                elif folder.is_dir() and (download := self._found(folder)) is not None:
                    self._downloads.append(download)

    def list(self) -> tuple[Download, ...]:
        """Those that have not ended, and those that ended since the program started, in the order of their coming."""
        with self._guard:
            return tuple(self._downloads)

    def unfinished(self) -> tuple[Download, ...]:
        """Unfinished downloads that can be resumed."""
        return tuple(download for download in self.list() if download.state == "paused")

    def resume_all(self) -> None:
        """Resumes all unfinished downloads."""
        for download in self.unfinished():
            with suppress(UserError):  # one that has ended meanwhile keeps none of the others
                download.start()

    def add(self, name_or_repo: str, revision: str | None = None, *, name: str | None = None) -> Download:
        """Starts the download of a model, or resumes one that was started.

        Args:
            name_or_repo: a known model's name, or ``owner/name``, with or without ``@revision``.
            revision: branch, tag or commit; the pinned or newest one when not given.
            name: of the model here; the repository's when not given.

        Raises:
            UserError: when the name is none, the model is here already, or nothing can be written.
        """
        repo, asked, known = parse_name(name_or_repo)
        asked = revision or asked
        with self._guard:
            for download in self._downloads:
                if download.repo == repo and download.state not in ("ready", "cancelled") and (
                    not asked or asked in (download._plan.asked, download.revision)
                ):  # fmt: skip
                    download.start()
                    return download
            refuse_second(self._library, repo, asked)
            folder = new_folder(self.models, self._place, name or name_of(repo, known), given=name is not None)
            plan = Plan(repo, asked)
            plan.write(folder)
            download = Download(self, folder.name, plan, folder, "queued")
            self._downloads.append(download)
        self._tell(download)
        self._schedule()
        return download

    def forget(self, download: Download) -> None:
        """Removes a download that has ended from the list."""
        with self._guard:
            if download.state in ("ready", "cancelled"):
                self._downloads.remove(download)

    def close(self) -> None:
        """Pauses all; `resume_all` continues them after a restart."""
        for download in self.list():
            if download.active:
                download.pause()
        for thread in tuple(self._threads):
            thread.join(_LONGEST_END)

    def _found(self, folder: Path) -> Download | None:
        """A download of an earlier start; None when the model is here already, and its folder is removed."""
        plan = read_plan(folder)
        if plan is None:
            plan = Plan("", error="Nobody knows any more what this download was; cancel it to free its place.")
        elif (
            (repository := plan.found) is not None
            and not bytes_here(folder)
            and is_here(self._library, plan.repo, repository.revision)
            and not is_locked(folder / _LOCK)
        ):
            self._remove(folder)
            return None
        return Download(self, folder.name, plan, folder, "failed" if plan.error else "paused")

    def start(self, download: Download) -> None:
        """As `Download.start`."""
        with self._guard:
            if download.active:
                return
            if download.state in ("ready", "cancelled") or not download.repo:
                raise UserError(download.error or f"The download of {download.name} has ended.")
            if elsewhere := not download._folder.is_dir():
                download.state = "cancelled"
                self._downloads.remove(download)
            else:
                download.state, download.error = "queued", ""
        self._tell(download)
        if elsewhere:
            raise UserError(f"Another gptdesk has finished the download of {download.name}, or cancelled it.")
        self._schedule()

    def set_limit(self, limit: int) -> None:
        """Changes how many run at once; those that run already go on."""
        self.limit = limit
        self._schedule()

    def _schedule(self) -> None:
        """Begins as many of those that wait as the limit allows."""
        begun = []
        with self._guard:
            for download in self._downloads:
                running = sum(other._attempt is not None for other in self._downloads)
                if running >= self.limit or download.state != "queued":
                    continue
                try:
                    lock = FileLock(ensure_folder(download._folder) / _LOCK, patience=0)
                except LockHeld:
                    self._fail(download, _ELSEWHERE)
                    begun.append(download)
                    continue
                except (OSError, UserError) as error:
                    self._fail(download, f"The folder {download._folder} cannot be written ({error}).")
                    begun.append(download)
                    continue
                attempt = Attempt(download._plan, download._folder, partial(self._on_attempt, download))
                download._attempt, download._lock, download.state = attempt, lock, "resolving"
                download._samples.clear()
                thread = threading.Thread(
                    target=self._run, args=(download, attempt), name=f"download {download.name}", daemon=True
                )
                self._threads.add(thread)
                thread.start()
                begun.append(download)
        for download in begun:
            self._tell(download)

    def _run(self, download: Download, attempt: Attempt) -> None:
        """One attempt, in a thread of its own."""
        try:
            attempt.run()
            with self._guard, attempt.guard:
                if download._attempt is not attempt:
                    return
                self._install(download)
        except TransferStopped:
            return
        except UserError as error:
            self._give_up(download, attempt, str(error))
        except Exception as error:
            self._give_up(download, attempt, f"The download failed in a way that gptdesk does not know ({error!r}).")
            raise
        finally:
            self._threads.discard(threading.current_thread())
            if download._attempt is None and not download.active:  # neither stopped nor begun again by somebody else
                self._tell(download)
            self._schedule()

    def _install(self, download: Download) -> None:
        """Moves the complete model into the library and removes the download."""
        if taken(self.models, download.name):  # by a model that came meanwhile
            download.name = free_name(download.name, self.models)
        ready = download._folder / READY
        try:
            write_record(ready, replace(read_record(ready), added=now()))
            os.replace(ready, self.models / download.name)
        except OSError as error:
            raise UserError(f"The model cannot be moved to {self.models} ({error.strerror}).") from error
        with suppress(OSError):  # the model is there
            sync_folder(self.models)
        self._end_attempt(download)
        self._remove(download._folder)
        download.done = download.total
        download.state = "ready"

    def _give_up(self, download: Download, attempt: Attempt, error: str) -> None:
        with self._guard:
            if download._attempt is not attempt:  # it was paused or cancelled meanwhile
                return
            attempt.stop()
            download._plan.error = error
            with suppress(UserError):
                download._plan.write(download._folder)
            self._end_attempt(download)
            self._fail(download, error)

    def _fail(self, download: Download, error: str) -> None:
        download.state, download.error = "failed", error
        download.done = bytes_here(download._folder)

    def _end_attempt(self, download: Download) -> None:
        download._attempt = None
        download.waiting = ""
        if download._lock is not None:
            download._lock.release()
            download._lock = None

    def pause(self, download: Download) -> None:
        """As `Download.pause`."""
        with self._guard:
            if not download.active:
                return
            self._stop(download)
            download.state = "paused"
            download.done = bytes_here(download._folder)
        self._tell(download)
        self._schedule()

    def cancel(self, download: Download) -> None:
        """As `Download.cancel`."""
        with self._guard:
            if download.state in ("ready", "cancelled"):
                return
            self._stop(download)
            if is_locked(download._folder / _LOCK):
                raise UserError(_ELSEWHERE)
            download.state = "paused"  # until nothing is left
            gone = download._folder.with_name(f"{_CANCELLED}{uuid.uuid4().hex}")
            try:
                os.rename(download._folder, gone)  # so that it is not found again if this ends now
            except OSError:  # gone already; or Windows, while the thread has yet to notice that a file was closed
                gone = download._folder
        thread = threading.Thread(target=self._throw_away, args=(download, gone), name="cancel", daemon=True)
        self._threads.add(thread)
        thread.start()
        self._schedule()

    def _throw_away(self, download: Download, folder: Path) -> None:
        self._remove(folder)
        with self._guard:
            download.state, download.done = "cancelled", 0
            if download in self._downloads:
                self._downloads.remove(download)
            self._threads.discard(threading.current_thread())
        self._tell(download)

    def _remove(self, folder: Path) -> None:
        """Removes a download's folder, and the one that holds them all once it was the last."""
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):
            self._place.rmdir()

    def _stop(self, download: Download) -> None:
        """Ends the attempt, if there is one; nothing is written any more when this returns."""
        if (attempt := download._attempt) is not None:
            attempt.stop()
            self._end_attempt(download)

    def _on_attempt(self, download: Download, attempt: Attempt) -> None:
        """Takes over how far an attempt is; called in its thread."""
        at = time.monotonic()
        with self._guard:
            if download._attempt is not attempt:
                raise TransferStopped
            new_state = attempt.state != download.state
            download.state = attempt.state  # type: ignore[assignment]
            download.done, download.total, download.waiting = attempt.done, attempt.total, attempt.waiting
            if new_state:
                download._samples.clear()
            download._sample(at)
            if not new_state and at - download._told < _TELL_EVERY:
                return
            download._told = at
        self._tell(download)

    def _tell(self, download: Download) -> None:
        self.on_change(download)
