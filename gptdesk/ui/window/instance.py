"""One window a person: a second start raises the first window and ends."""

from __future__ import annotations

import hashlib
import logging
import tempfile
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from gptdesk.errors import UserError
from gptdesk.folders import ensure_folder
from gptdesk.locks import FileLock, LockHeld

log = logging.getLogger(__name__)

LOCK: Final = "window.lock"

_RAISE: Final = b"raise\n"
_ANSWER: Final = b"raised\n"
_PATIENCE_MS: Final = 5000


class Instance(QObject):
    """Whether this process has the window, and word from those that came later.

    The system holds the lock as long as the process lives; what the file says, and who wrote it, does not matter. Where
    there can be no lock in the folder (it is read-only, or something else has the lock's name), the lock is in the
    folder for temporary files; where there can be none at all, the window opens without one.

    Args:
        folder: of the person's data; who has the same folder shares the window.

    Signals:
        raise_wanted(): somebody started gptdesk once more.
    """

    raise_wanted = Signal()

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        # The folders decide who is the same person; a socket's path may not be long.
        self._name = "gptdesk-" + hashlib.sha256(str(folder).encode()).hexdigest()[:16]
        self._places = (folder / LOCK, Path(tempfile.gettempdir()) / f"{self._name}.lock")
        self._lock: FileLock | None = None
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._on_connection)

    def take(self) -> bool:
        """Becomes the one that has the window; returns false when another process does."""
        for place in self._places:
            try:
                ensure_folder(place.parent)
                self._lock = FileLock(place, patience=0)
            except LockHeld:
                return False
            except (OSError, UserError) as error:  # no such place, or no locks there
                log.warning("no lock in %s: %s", place, error)
                continue
            break
        QLocalServer.removeServer(self._name)  # what a crash left behind
        self._server.listen(self._name)
        return True

    def raise_other(self) -> bool:
        """Asks the process that has the window to show it; returns whether it answered."""
        socket = QLocalSocket()
        socket.connectToServer(self._name)
        if not socket.waitForConnected(_PATIENCE_MS):
            return False
        socket.write(_RAISE)
        answered = socket.waitForReadyRead(_PATIENCE_MS) and bytes(socket.readAll().data()) == _ANSWER
        socket.disconnectFromServer()
        return answered

    def release(self) -> None:
        """Lets the next start have a window of its own."""
        self._server.close()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _on_connection(self) -> None:
        while socket := self._server.nextPendingConnection():
            socket.readyRead.connect(self._on_word)
            socket.disconnected.connect(socket.deleteLater)

    def _on_word(self) -> None:
        socket = self.sender()
        assert isinstance(socket, QLocalSocket)
        if bytes(socket.readAll().data()) == _RAISE:
            socket.write(_ANSWER)
            socket.flush()
            self.raise_wanted.emit()
