"""Runs model downloads in threads, several at once within a limit; unfinished ones are kept on disk."""

from __future__ import annotations

import itertools
import os
import shutil
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final, Literal

from gptdesk.errors import UserError
from gptdesk.folders import Folders, ensure_folder
from gptdesk.hub.transfer import TransferStopped
from gptdesk.library.downloads.attempt import READY, Attempt
from gptdesk.library.downloads.install import install
from gptdesk.library.downloads.naming import is_installed, new_folder, own_name, refuse_second
from gptdesk.library.downloads.place import DOWNLOADS
from gptdesk.library.downloads.plan import Plan, read_plan
from gptdesk.library.downloads.status import DownloadStatus
from gptdesk.library.downloads.task import DownloadTask, bytes_on_disk
from gptdesk.library.library import Library
from gptdesk.library.repository import parse_name
from gptdesk.locks import FileLock, LockHeld, is_locked

_LOCK: Final = "lock"
_ELSEWHERE: Final = "Another gptdesk is downloading this model; wait until it ends, or stop it there."
_CANCELLED: Final = ".cancelled-"
_REPORT_INTERVAL: Final = 0.2
"""Seconds between two reports of progress."""

_JOIN_SECONDS: Final = 0.3
"""How long `Downloads.close` waits for each thread; one that waits for the network ends later and writes nothing."""


class Downloads:
    """The downloads of one person, each in a thread of its own. All methods may be called from any thread.

    Args:
        folders: of the person; downloads that an earlier process left unfinished are found there and are "paused".
        limit: how many run at once; others wait.
        on_change: gets a `DownloadStatus` after every change, and at most five times a second while one progresses.
            Called from any thread; must not wait for this object. Of two snapshots of a download, the one with the
            higher serial is newer, whatever the order of the calls.
    """

    def __init__(
        self, folders: Folders, limit: int = 2, on_change: Callable[[DownloadStatus], object] = lambda status: None
    ) -> None:
        self.models = folders.models
        self.limit = limit
        self.on_change = on_change
        self._library = Library(folders)
        self._place = folders.models / DOWNLOADS
        self._guard = threading.RLock()
        self._threads: set[threading.Thread] = set()
        self._numbers, self._serials = itertools.count(1), itertools.count(1)
        self._tasks: dict[int, DownloadTask] = {}
        with suppress(OSError):
            for folder in sorted(self._place.iterdir()):
                if folder.name.startswith(_CANCELLED):
                    shutil.rmtree(folder, ignore_errors=True)
                elif folder.is_dir():
                    self._restore(folder)

    # Queries

    def list(self) -> tuple[DownloadStatus, ...]:
        """Unfinished downloads, and those that ended since the program started, oldest first."""
        with self._guard:
            return tuple(map(self._status, self._tasks.values()))

    def status(self, number: int) -> DownloadStatus | None:
        """The download of that number; ``None`` once it is cancelled or forgotten."""
        with self._guard:
            task = self._tasks.get(number)
            return self._status(task) if task else None

    def unfinished(self) -> tuple[DownloadStatus, ...]:
        """Downloads that can be resumed."""
        return tuple(status for status in self.list() if status.state == "paused")

    # Actions

    def add(self, name_or_repo: str, revision: str | None = None, *, name: str | None = None) -> DownloadStatus:
        """Starts the download of a model, or resumes one that was started.

        Args:
            name_or_repo: a known model's name, or ``owner/name``, with or without ``@revision``.
            revision: branch, tag or commit; the pinned or newest one by default.
            name: of the model when it is installed; derived from the repository by default.

        Raises:
            UserError: for an invalid name, a model that is installed already, or a folder that cannot be written.
        """
        repo, asked, known = parse_name(name_or_repo)
        asked = revision or asked
        with self._guard:
            started = self._unfinished(repo, asked)
        if started is not None:
            self.start(started.number)
            return self._status(started)
        with self._guard:
            refuse_second(self._library, repo, asked)
            folder = new_folder(self.models, self._place, name or own_name(repo, known), given=name is not None)
            plan = Plan(repo, asked)
            plan.write(folder)
            task = self._new_task(plan, folder, "queued")
        self._report(task)
        self._schedule()
        return self._status(task)

    def start(self, number: int) -> None:
        """Starts, resumes or retries a download, as soon as the limit allows; does nothing to an active one.

        Raises:
            UserError: when it has ended, or its record is damaged.
        """
        with self._guard:
            task = self._tasks.get(number)
            if task is None:
                raise UserError("This download has ended.")
            if task.active:
                return
            if task.state == "ready" or not task.plan.repo:
                raise UserError(task.error or f"The download of {task.name} has ended.")
            if elsewhere := not task.folder.is_dir():
                task.state = "cancelled"
                del self._tasks[number]
            else:
                task.state, task.error = "queued", ""
        self._report(task)
        if elsewhere:
            raise UserError(f"Another gptdesk has finished the download of {task.name}, or cancelled it.")
        self._schedule()

    def resume_all(self) -> None:
        """Resumes all unfinished downloads."""
        for status in self.unfinished():
            with suppress(UserError):  # one that ended meanwhile must not prevent the others
                self.start(status.number)

    def pause(self, number: int) -> None:
        """Stops a download at once and keeps its files; does nothing to one that is not active."""
        with self._guard:
            task = self._tasks.get(number)
            if task is None or not task.active:
                return
            self._stop(task)
            task.state = "paused"
            task.done = bytes_on_disk(task.folder)
        self._report(task)
        self._schedule()

    def cancel(self, number: int) -> None:
        """Stops a download at once and deletes its files; does nothing to one that has ended.

        Raises:
            UserError: when another program is downloading it.
        """
        with self._guard:
            task = self._tasks.get(number)
            if task is None or task.state == "ready":
                return
            self._stop(task)
            if is_locked(task.folder / _LOCK):
                raise UserError(_ELSEWHERE)
            task.state = "paused"  # until its files are deleted
            gone = task.folder.with_name(f"{_CANCELLED}{uuid.uuid4().hex}")
            try:
                os.rename(task.folder, gone)  # so that it is not found again if the process ends now
            except OSError:  # deleted already; or Windows, while the thread has not noticed that a file was closed
                gone = task.folder
        thread = threading.Thread(target=self._delete, args=(task, gone), name="cancel", daemon=True)
        self._threads.add(thread)
        thread.start()
        self._schedule()

    def forget(self, number: int) -> None:
        """Removes a download that is ready from the list."""
        with self._guard:
            task = self._tasks.get(number)
            if task is not None and task.state == "ready":
                del self._tasks[number]

    def set_limit(self, limit: int) -> None:
        """Changes how many run at once; those that run continue."""
        self.limit = limit
        self._schedule()

    def close(self) -> None:
        """Pauses all downloads; `resume_all` continues them after a restart."""
        for status in self.list():
            self.pause(status.number)
        for thread in tuple(self._threads):
            thread.join(_JOIN_SECONDS)

    # Tasks

    def _new_task(self, plan: Plan, folder: Path, state: Literal["queued", "paused", "failed"]) -> DownloadTask:
        number = next(self._numbers)
        task = self._tasks[number] = DownloadTask(number, folder.name, plan, folder, state)
        return task

    def _unfinished(self, repo: str, asked: str) -> DownloadTask | None:
        """The unfinished download of a repository, in the revision ``asked`` for unless that is empty."""
        for task in self._tasks.values():
            same = task.plan.repo == repo and task.state not in ("ready", "cancelled")
            if same and (not asked or asked in (task.plan.asked, task.revision)):
                return task
        return None

    def _restore(self, folder: Path) -> None:
        """Lists a download of an earlier process; deletes its folder when the model is installed already."""
        plan = read_plan(folder)
        if plan is None:
            plan = Plan("", error="The record of this download is damaged; cancel it to delete its files.")
        elif (
            (repository := plan.found) is not None
            and not bytes_on_disk(folder)
            and is_installed(self._library, plan.repo, repository.revision)
            and not is_locked(folder / _LOCK)
        ):
            self._remove(folder)
            return
        self._new_task(plan, folder, "failed" if plan.error else "paused")

    def _status(self, task: DownloadTask) -> DownloadStatus:
        with self._guard:
            return task.status(next(self._serials), self.models)

    def _report(self, task: DownloadTask) -> None:
        self.on_change(self._status(task))

    def _schedule(self) -> None:
        """Starts as many waiting downloads as the limit allows."""
        changed = []
        with self._guard:
            for task in self._tasks.values():
                running = sum(other.attempt is not None for other in self._tasks.values())
                if running < self.limit and task.state == "queued":
                    self._begin(task)
                    changed.append(task)
        for task in changed:
            self._report(task)

    def _begin(self, task: DownloadTask) -> None:
        """Starts an attempt in a thread of its own, or fails where the folder cannot be locked."""
        try:
            lock = FileLock(ensure_folder(task.folder) / _LOCK, patience=0)
        except LockHeld:
            self._fail(task, _ELSEWHERE)
            return
        except (OSError, UserError) as error:
            self._fail(task, f"The folder {task.folder} cannot be written ({error}).")
            return
        attempt = Attempt(task.plan, task.folder, partial(self._on_progress, task))
        task.attempt, task.lock, task.state = attempt, lock, "resolving"
        task.speed.clear()
        thread = threading.Thread(target=self._run, args=(task, attempt), name=f"download {task.name}", daemon=True)
        self._threads.add(thread)
        thread.start()

    def _run(self, task: DownloadTask, attempt: Attempt) -> None:
        """Runs one attempt, in its thread."""
        try:
            attempt.run()
            with self._guard, attempt.guard:
                if task.attempt is not attempt:
                    return
                self._install(task)
        except TransferStopped:
            return
        except UserError as error:
            self._give_up(task, attempt, str(error))
        except Exception as error:
            self._give_up(task, attempt, f"The download failed because of an unexpected error ({error!r}).")
            raise
        finally:
            self._threads.discard(threading.current_thread())
            if task.attempt is None and not task.active:  # neither stopped nor restarted by another thread
                self._report(task)
            self._schedule()

    def _install(self, task: DownloadTask) -> None:
        """Moves the complete model into the library and removes the download's folder."""
        task.name = install(task.folder / READY, self.models, task.name)
        task.end_attempt()
        self._remove(task.folder)
        task.done = task.total
        task.state = "ready"

    def _give_up(self, task: DownloadTask, attempt: Attempt, error: str) -> None:
        with self._guard:
            if task.attempt is not attempt:  # it was paused or cancelled meanwhile
                return
            attempt.stop()
            task.plan.error = error
            with suppress(UserError):
                task.plan.write(task.folder)
            task.end_attempt()
            self._fail(task, error)

    def _fail(self, task: DownloadTask, error: str) -> None:
        task.state, task.error = "failed", error
        task.done = bytes_on_disk(task.folder)

    def _stop(self, task: DownloadTask) -> None:
        """Ends the attempt, if there is one; nothing is written any more when this returns."""
        if task.attempt is not None:
            task.attempt.stop()
            task.end_attempt()

    def _delete(self, task: DownloadTask, folder: Path) -> None:
        self._remove(folder)
        with self._guard:
            task.state, task.done = "cancelled", 0
            self._tasks.pop(task.number, None)
            self._threads.discard(threading.current_thread())
        self._report(task)

    def _remove(self, folder: Path) -> None:
        """Deletes a download's folder, and the folder that holds them all once that is empty."""
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):
            self._place.rmdir()

    def _on_progress(self, task: DownloadTask, attempt: Attempt) -> None:
        """Takes over the progress of an attempt; called in its thread."""
        at = time.monotonic()
        with self._guard:
            if task.attempt is not attempt:
                raise TransferStopped
            new_state = attempt.state != task.state
            task.state = attempt.state
            task.done, task.total, task.waiting = attempt.done, attempt.total, attempt.waiting
            if new_state:
                task.speed.clear()
            task.speed.add(at, task.done)
            if not new_state and at - task.reported < _REPORT_INTERVAL:
                return
            task.reported = at
        self._report(task)
