"""Settings page section with the folders of gptdesk: shown and opened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from gptdesk.errors import UserError
from gptdesk.folders import HOME_VARIABLE, SETTINGS_FILE, Folders, ensure_folder
from gptdesk.ui.widgets.long_words import wrappable
from gptdesk.ui.widgets.problem_label import ProblemLabel

FOLDERS: Final = {
    "models": ("Models", "Downloaded and imported models, one folder each"),
    "runs": ("Runs", "Training runs with their checkpoints, one folder each"),
    "data": ("Documents", "Documents and presets"),
    "config": ("Settings", f"{SETTINGS_FILE}, and the position of the window"),
    "logs": ("Logs", "Logs and crash reports"),
    "cache": ("Cache", "Files that can be made again; it may be deleted while gptdesk is closed"),
}
"""Title and contents of the folders, by their name in `Folders`."""


class FoldersPage(QWidget):
    """Lists the folders, each with a button that opens it.

    Args:
        folders: returns the present ones.
    """

    def __init__(self, folders: Callable[[], Folders], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folders = folders
        self._paths: dict[str, QLabel] = {}
        self.problem = ProblemLabel()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(16)
        for name, (title, contents) in FOLDERS.items():
            layout.addLayout(self._row(name, title, contents))
        note = QLabel(
            f"To keep all of them in one other folder, set the environment variable {HOME_VARIABLE} before gptdesk "
            "starts."
        )
        note.setProperty("kind", "muted")
        note.setWordWrap(True)
        layout.addWidget(note)
        layout.addWidget(self.problem)
        self.show_paths()

    @Slot()
    def show_paths(self) -> None:
        """Shows the present folders."""
        for name, label in self._paths.items():
            label.setText(wrappable(str(self._folder(name))))

    def _folder(self, name: str) -> Path:
        folder: Path = getattr(self._folders(), name)
        return folder

    def _row(self, name: str, title: str, contents: str) -> QHBoxLayout:
        path = self._paths[name] = QLabel()
        path.setWordWrap(True)
        path.setTextFormat(Qt.TextFormat.PlainText)
        about = QLabel(contents)
        about.setProperty("kind", "muted")
        about.setWordWrap(True)
        words = QVBoxLayout()
        words.setSpacing(2)
        for label in (QLabel(title), path, about):
            words.addWidget(label)
        button = QPushButton("Open")
        button.setAutoDefault(False)
        button.setAccessibleName(f"Open the folder {title}")
        button.clicked.connect(lambda: self._open(self._folder(name)))
        row = QHBoxLayout()
        row.setSpacing(24)
        row.addLayout(words, 1)
        row.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        return row

    def _open(self, folder: Path) -> None:
        sentence = ""
        try:
            if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(ensure_folder(folder)))):
                sentence = f"No program on this computer opens folders; the folder is {folder}."
        except UserError as error:
            sentence = str(error)
        self.problem.show_problem(sentence)
