"""Accepts files that are dropped on a widget."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QWidget


def files_of(data: QMimeData) -> list[Path]:
    """The files and folders on this computer that are dragged or pasted."""
    return [Path(path) for url in data.urls() if (path := url.toLocalFile())]


class FileDrops(QObject):
    """Accepts files that are dropped anywhere on a widget.

    Signals:
        hovered(bool): emitted when files are dragged over the widget (true), dropped or dragged away (false).
        dropped(object): emitted with a list of `Path` after the drag has ended, so that its source does not wait.
    """

    hovered = Signal(bool)
    dropped = Signal(object)

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        widget.setAcceptDrops(True)
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind == QEvent.Type.DragEnter and isinstance(event, QDropEvent):
            if not files_of(event.mimeData()):
                return False
            event.acceptProposedAction()
            self.hovered.emit(True)
            return True
        if kind == QEvent.Type.DragLeave:
            self.hovered.emit(False)
            return True
        if kind == QEvent.Type.Drop and isinstance(event, QDropEvent):
            event.setDropAction(Qt.DropAction.CopyAction)  # a move would let the source delete its files
            event.accept()
            self.hovered.emit(False)
            paths = files_of(event.mimeData())
            QTimer.singleShot(0, self, lambda: self.dropped.emit(paths))
            return True
        return False
