"""Buttons that choose a folder, or return to the standard one."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QWidget


class FolderChoice(QWidget):
    """Shows no path; the form that holds it does.

    Args:
        title: of the file dialog.

    Attributes:
        choose: opens a file dialog.
        reset: returns to the standard folder; shown while another one is chosen.

    Signals:
        chosen(str): the path of a folder, or "" for the standard one.
    """

    chosen = Signal(str)

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title, self._folder = title, ""
        self.choose, self.reset = QPushButton("Change…"), QPushButton("Use standard")
        for button, name in ((self.choose, f"Change: {title}"), (self.reset, f"Use the standard folder: {title}")):
            button.setAutoDefault(False)
            button.setAccessibleName(name)
        self.choose.clicked.connect(self._ask)
        self.reset.clicked.connect(lambda: self.chosen.emit(""))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addStretch(1)
        row.addWidget(self.reset)
        row.addWidget(self.choose)

    def show_folder(self, folder: str) -> None:
        """Shows which buttons apply when that folder is chosen; "" is the standard one."""
        self._folder = folder
        self.reset.setVisible(bool(folder))

    def _ask(self) -> None:
        folder = QFileDialog.getExistingDirectory(self.window(), self._title, self._folder)
        if folder:
            self.chosen.emit(folder)
