"""Crash report: shows the traceback of an unexpected error; the window stays usable."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QObject, Qt, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from gptdesk.ui.fonts import fixed_font
from gptdesk.ui.widgets.dialog import Dialog
from gptdesk.ui.widgets.input_dialogs.buttons import button_row

log = logging.getLogger(__name__)


class CrashDialog(Dialog):
    """Shows a traceback, with buttons that copy it and open the log folder."""

    def __init__(self, report: str, logs: Path, parent: QWidget | None = None) -> None:
        super().__init__("Unexpected error", parent)
        self._report, self._logs = report, logs
        self.resize(720, 440)
        title = QLabel("Unexpected error")
        title.setProperty("kind", "heading")
        words = QLabel(
            "Your text is saved, and you can continue. If this happens again, please report it with the text below. "
            f"The log is in {logs}."
        )
        words.setWordWrap(True)
        words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        text = QPlainTextEdit(report)
        text.setReadOnly(True)
        text.setFont(fixed_font())
        text.setAccessibleName("Report")
        text.setTabChangesFocus(True)
        copy, show, close = QPushButton("Copy"), QPushButton("Open log folder"), QPushButton("Continue")
        close.setProperty("kind", "accent")
        close.setDefault(True)
        copy.clicked.connect(self._copy)
        show.clicked.connect(self._show_logs)
        close.clicked.connect(self.accept)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 24)
        layout.setSpacing(16)
        for widget in (title, words, text):
            layout.addWidget(widget)
        layout.addLayout(button_row(close, left=(copy, show)))

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._report)

    def _show_logs(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._logs)))


class CrashHandler(QObject):
    """Shows unhandled exceptions of all threads.

    Signals:
        caught(str): the traceback of one.
    """

    caught = Signal(str)

    def __init__(self, logs: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._logs = logs
        self._window: QWidget | None = None
        self._dialog: CrashDialog | None = None
        self.caught.connect(self.show_report)

    def install(self, window: QWidget) -> None:
        """Handles exceptions from now on, until `remove`."""
        self._window = window
        sys.excepthook = self._on_exception
        threading.excepthook = self._on_thread_exception

    def remove(self) -> None:
        """Restores Python's own hooks."""
        sys.excepthook = sys.__excepthook__
        threading.excepthook = threading.__excepthook__
        self._window = None

    @Slot(str)
    def show_report(self, report: str) -> None:
        """Shows one dialog at a time: the first error is usually the cause; the others are in the log."""
        if self._dialog is None:
            self._dialog = CrashDialog(report, self._logs, self._window)
            self._dialog.destroyed.connect(self._on_closed)
            self._dialog.open()

    def _on_closed(self) -> None:
        self._dialog = None

    def _on_exception(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QGuiApplication.quit()
            return
        report = "".join(traceback.format_exception(kind, error, trace))
        log.error("unhandled exception:\n%s", report)
        self.caught.emit(report)

    def _on_thread_exception(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            self._on_exception(args.exc_type, args.exc_value, args.exc_traceback)
