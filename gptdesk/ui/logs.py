"""Where gptdesk writes down what happens: a log that never grows large, Qt's messages in it, and a file for crashes."""

from __future__ import annotations

import faulthandler
import logging
import logging.handlers
import time
from pathlib import Path
from typing import Final, TextIO

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

from gptdesk.errors import UserError
from gptdesk.folders import ensure_folder

_FORMAT: Final = "%(asctime)s.%(msecs)03d %(levelname)s %(name)s: %(message)s"
_SIZE: Final = 1_000_000
_LEVELS: Final = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}

log = logging.getLogger(__name__)


class Logs:
    """The files of this start.

    Attributes:
        folder: where they are.
        crashed: what the start before left when it was torn down, if it was.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.crashed: Path | None = None
        self._handler: logging.Handler = logging.NullHandler()
        self._crash_file: TextIO | None = None
        try:
            ensure_folder(folder)
            handler = logging.handlers.RotatingFileHandler(
                folder / "gptdesk.log", maxBytes=_SIZE, backupCount=2, encoding="utf-8"
            )
            handler.setFormatter(logging.Formatter(_FORMAT, "%Y-%m-%d %H:%M:%S"))
            self._handler = handler
            self.crashed = _keep_crash(folder / "crash.log")
            self._crash_file = open(folder / "crash.log", "w", encoding="utf-8")  # noqa: SIM115 (faulthandler's, for life)
            faulthandler.enable(self._crash_file)
        except (OSError, UserError):
            pass  # no place to write: the window works all the same
        root = logging.getLogger()
        root.addHandler(self._handler)
        root.setLevel(logging.INFO)
        qInstallMessageHandler(_on_qt_message)

    def close(self) -> None:
        """Gives the files back."""
        qInstallMessageHandler(None)
        logging.getLogger().removeHandler(self._handler)
        self._handler.close()
        if self._crash_file:
            faulthandler.disable()
            self._crash_file.close()


def _keep_crash(path: Path) -> Path | None:
    """Gives the report of a crash a name of its own; there is one only if the file is not empty."""
    if not path.exists() or path.stat().st_size == 0:
        return None
    kept = path.with_name(time.strftime("crash-%Y%m%d-%H%M%S.log", time.localtime(path.stat().st_mtime)))
    path.replace(kept)
    return kept


def _on_qt_message(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
    log.log(_LEVELS.get(kind, logging.INFO), "Qt: %s", message)
