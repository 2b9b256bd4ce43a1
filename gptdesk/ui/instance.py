"""One window a person: a second start raises the first window and ends."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from PySide6.QtCore import QLockFile, QObject, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from gptdesk.folders import ensure_folder

_RAISE: Final = b"raise\n"
_ANSWER: Final = b"raised\n"
_PATIENCE_MS: Final = 5000
_STALE_MS: Final = 0  # a lock holds as long as its process lives, however long that is


class Instance(QObject):
    """Whether this process has the window, and word from those that came later.

    Signals:
        raise_wanted(): somebody started gptdesk once more.
    """

    raise_wanted = Signal()

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lock = QLockFile(str(ensure_folder(folder) / "window.lock"))
        self._lock.setStaleLockTime(_STALE_MS)
        # The folders decide who is the same person; a socket's path may not be long.
        self._name = "gptdesk-" + hashlib.sha256(str(folder).encode()).hexdigest()[:16]
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._on_connection)

    def take(self) -> bool:
        """Becomes the one that has the window; returns false when another process does."""
        if not self._lock.tryLock(0):
            return False
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
        self._lock.unlock()

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
