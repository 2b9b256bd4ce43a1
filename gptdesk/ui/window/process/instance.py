"""Single instance per user: a second start raises the first window, hands it the files to open, and exits."""

from __future__ import annotations

import hashlib
import logging
import re
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from PySide6.QtCore import QObject, QTimer, Signal

from gptdesk import __version__
from gptdesk.errors import UserError
from gptdesk.folders import ensure_folder
from gptdesk.locks import FileLock, LockHeld

if TYPE_CHECKING:
    from PySide6.QtNetwork import QLocalServer, QLocalSocket

log = logging.getLogger(__name__)

LOCK: Final = "window.lock"

_RAISE: Final = b"raise"
"""The request: one line, and after this word a JSON array of the paths to open."""

_ANSWER: Final = b"raised "
"""The answer: one line, and after this word the version of the process that answers."""

_VERSION: Final = re.compile(r"[\w.+-]{1,40}")
_LONGEST_REQUEST: Final = 1 << 20
"""Bytes; what is longer is no request of ours."""

_PATIENCE_MS: Final = 5000
_RETRY_S: Final = 0.1

_LISTEN_MS: Final = 2000
"""After the lock was taken, until another start is listened to: it waits, and this one is painted first."""


class Instance(QObject):
    """Holds the lock of the window, and listens for requests of processes started later.

    The operating system frees the lock when the process ends. If the folder cannot hold a lock, for instance because it
    is read-only, the lock is in the folder for temporary files; if that fails too, the window opens without a lock.

    Args:
        folder: of the user's data; processes with the same folder share one window, those of another version too:
            only one of them may write documents and settings.

    Signals:
        raise_wanted(): emitted when gptdesk was started again.
        files_given(object): emitted with the files that the later process was to open, a list of `Path`.
    """

    raise_wanted = Signal()
    files_given = Signal(object)

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        # A hash: the path of a socket has a short limit.
        self._name = "gptdesk-" + hashlib.sha256(str(folder).encode()).hexdigest()[:16]
        self._places = (folder / LOCK, Path(tempfile.gettempdir()) / f"{self._name}.lock")
        self._lock: FileLock | None = None
        self._server: QLocalServer | None = None
        self._listen_timer = QTimer(self)
        self._listen_timer.setSingleShot(True)
        self._listen_timer.setInterval(_LISTEN_MS)
        self._listen_timer.timeout.connect(self._listen)

    def take(self) -> bool:
        """Takes the lock, and listens from soon on. Returns false if another process holds the lock."""
        for place in self._places:
            try:
                ensure_folder(place.parent)
                self._lock = FileLock(place, patience=0)
            except LockHeld:
                return False
            except (OSError, UserError) as error:  # no folder, or no locks in it
                log.warning("no lock in %s: %s", place, error)
                continue
            break
        self._listen_timer.start()
        return True

    def raise_other(self, files: Sequence[Path] = ()) -> str | None:
        """Asks the other process to raise its window and to open the files.

        Returns:
            The version of that process, or None when it did not answer.
        """
        from PySide6.QtNetwork import QLocalSocket

        socket = QLocalSocket()
        patient_until = time.monotonic() + _PATIENCE_MS / 1000
        socket.connectToServer(self._name)
        while not socket.waitForConnected(_PATIENCE_MS):  # at once, where nobody listens yet
            if time.monotonic() > patient_until:
                return None
            time.sleep(_RETRY_S)
            socket.connectToServer(self._name)
        socket.write(_RAISE + b" " + msgspec.json.encode([str(path) for path in files]) + b"\n")
        answer = bytes(socket.readAll().data()) if socket.waitForReadyRead(_PATIENCE_MS) else b""
        socket.disconnectFromServer()
        version = answer.removeprefix(_ANSWER).decode("ascii", "replace").strip()
        return version if answer.startswith(_ANSWER) and _VERSION.fullmatch(version) else None

    def release(self) -> None:
        """Releases the lock and the socket."""
        self._listen_timer.stop()
        if self._server is not None:
            self._server.close()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _listen(self) -> None:
        from PySide6.QtNetwork import QLocalServer  # late: takes 20 ms to load

        self._server = server = QLocalServer(self)
        server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        server.newConnection.connect(lambda: self._on_connection(server))
        QLocalServer.removeServer(self._name)  # what a crash left behind
        server.listen(self._name)

    def _on_connection(self, server: QLocalServer) -> None:
        while socket := server.nextPendingConnection():
            socket.readyRead.connect(partial(self._on_bytes, socket))
            socket.disconnected.connect(socket.deleteLater)

    def _on_bytes(self, socket: QLocalSocket) -> None:
        if not socket.canReadLine():  # the rest is still to come
            if socket.bytesAvailable() > _LONGEST_REQUEST:
                socket.abort()
            return
        word, _, rest = bytes(socket.readLine(_LONGEST_REQUEST).data()).strip().partition(b" ")
        if word != _RAISE:
            return
        socket.write(_ANSWER + __version__.encode() + b"\n")
        socket.flush()
        self.raise_wanted.emit()
        try:
            files = msgspec.json.decode(rest or b"[]", type=list[str])
        except msgspec.MsgspecError:
            log.warning("the files of another start cannot be read")
            return
        if files:
            self.files_given.emit([Path(name) for name in files])
