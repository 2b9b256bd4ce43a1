"""Qt front end of model downloads: the newest status of each, and actions that never block."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal, Slot

from gptdesk.folders import Folders
from gptdesk.library.downloads.place import has_downloads
from gptdesk.store.settings import Settings
from gptdesk.ui.services.background import TaskQueue

if TYPE_CHECKING:
    from gptdesk.library.downloads.manager import Downloads
    from gptdesk.library.downloads.status import DownloadStatus


class ModelDownloads(QObject):
    """The downloads of this user.

    Signals:
        changed(): emitted when a download is added, ends, or changes its state or name.
        progressed(str): emitted when the item of that key has progressed.
        ended(): a download is ready or cancelled: the models folder has changed.
        unfinished(object): names of downloads that an earlier session left unfinished.
        failed(str): an action failed, and its caller gave no ``failed`` callback.
    """

    changed = Signal()
    progressed = Signal(str)
    ended = Signal()
    unfinished = Signal(object)
    failed = Signal(str)

    _reported = Signal(object)

    def __init__(self, folders: Folders, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folders = folders
        self._limit: int = Settings.simultaneous_downloads
        self._downloads: Downloads | None = None  # made by the first task that needs it
        self._statuses: dict[int, DownloadStatus] = {}
        self._serials: dict[int, int] = {}  # of the newest status of each download
        self._queue = TaskQueue("model downloads", self)
        self._queue.failed.connect(self.failed)
        self._reported.connect(self._on_reported, Qt.ConnectionType.QueuedConnection)

    @property
    def statuses(self) -> tuple[DownloadStatus, ...]:
        """Downloads that have not ended, oldest first."""
        return tuple(self._statuses.values())

    def start(self) -> None:
        """Finds downloads of earlier sessions."""
        self._queue.run(self._find, self._on_found)

    def add(
        self, name: str, revision: str = "", *, called: str = "", failed: Callable[[str], object] | None = None
    ) -> None:
        """Downloads a known model, or ``owner/name``.

        Args:
            name: of the model or repository.
            revision: branch, tag or commit; "" for the pinned or newest one.
            called: name of the model when it is installed; "" for the repository's.
            failed: gets a sentence when the download cannot be started.
        """

        def add() -> None:
            self._manager().add(name, revision or None, name=called or None)

        self._queue.run(add, None, failed)

    def resume(self, number: int) -> None:
        """Resumes or retries a download."""
        self._queue.run(lambda: self._manager().start(number))

    def pause(self, number: int) -> None:
        """Stops a download and keeps its files."""
        self._queue.run(lambda: self._manager().pause(number))

    def cancel(self, number: int) -> None:
        """Cancels a download and deletes its files."""
        self._queue.run(lambda: self._manager().cancel(number))

    def resume_all(self) -> None:
        """Resumes all unfinished downloads."""
        self._queue.run(lambda: self._manager().resume_all())

    def set_limit(self, limit: int) -> None:
        """Changes how many downloads run at once."""
        self._limit = limit
        if self._downloads is not None:
            self._queue.run(lambda: self._manager().set_limit(limit))

    def use_folders(self, folders: Folders) -> None:
        """Downloads to another models folder from now on; no download may be unfinished."""

        def replace() -> None:
            self._close()
            self._folders = folders

        self._serials.clear()  # another manager counts anew
        self._queue.run(replace)

    def forget_ready(self) -> list[str]:
        """Drops the downloads that are ready, once the library lists their models; returns the names of these."""
        ready = [number for number, status in self._statuses.items() if status.state == "ready"]
        return [self._statuses.pop(number).name for number in ready]

    def shut_down(self, milliseconds: int) -> bool:
        """Pauses downloads and ends the thread; returns whether it ended in time."""
        ended = self._queue.shut_down(milliseconds)
        self._close()
        return ended

    def _find(self) -> tuple[DownloadStatus, ...]:
        """The downloads; where there is none, no manager is made, whose modules take longer to import than a look."""
        if self._downloads is None and not has_downloads(self._folders.models):
            return ()
        return self._manager().list()

    def _manager(self) -> Downloads:
        """The manager; for the queue's thread, because it reads the disk when it is made."""
        if self._downloads is None:
            from gptdesk.library.downloads.manager import Downloads

            self._downloads = Downloads(self._folders, self._limit, on_change=self._reported.emit)
        return self._downloads

    def _close(self) -> None:
        if self._downloads is not None:
            self._downloads.on_change = lambda status: None  # nobody listens any more
            self._downloads.close()
            self._downloads = None

    def _on_found(self, found: tuple[DownloadStatus, ...]) -> None:
        for status in found:
            self._on_reported(status)
        names = [status.name for status in found if status.state == "paused"]
        if names:
            self.unfinished.emit(names)

    @Slot(object)
    def _on_reported(self, status: DownloadStatus) -> None:
        """Takes over a status unless a newer one has arrived: reports of several threads may come in any order."""
        number = status.number
        if status.serial <= self._serials.get(number, 0):
            return
        self._serials[number] = status.serial
        before = self._statuses.get(number)
        if status.state == "cancelled":
            self._statuses.pop(number, None)
            self.changed.emit()
            self.ended.emit()
            return
        self._statuses[number] = status
        if before is None or (before.state, before.name) != (status.state, status.name):
            self.changed.emit()
        else:
            self.progressed.emit(f"download:{number}")
        if status.state == "ready":
            self._queue.run(lambda: self._manager().forget(number))
            self.ended.emit()
